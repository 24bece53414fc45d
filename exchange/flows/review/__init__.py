"""What examiners say of a pair, who verifies it, and what comes of it."""
