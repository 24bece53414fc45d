"""What a focal point has reached by what people see, without a node: answers, recommendations, the mid-term paper."""
