"""What the law of each side says: entered and published, compared in pairs."""
