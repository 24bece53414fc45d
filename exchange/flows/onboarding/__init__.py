"""How a jurisdiction comes in, step by step: what its node and its partners can prove, and what people say."""
