"""Where the score is made: describe a mark, search its pose, register it, compare it cell by cell, rank."""
