"""What examiners say of a pair, who is waited for, and the report that comes of it."""
