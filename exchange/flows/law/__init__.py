"""What the law of each side says: entered and published, compared in pairs; what it lacks, and what it holds back."""
