"""Pictures and words that explain a comparison."""
