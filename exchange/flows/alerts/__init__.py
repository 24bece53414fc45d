"""What a person is told: what waits for them, what is new, on pages, by mail and to other programs."""
