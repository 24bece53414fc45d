"""How well the scores of this laboratory tell firearms apart, on its own test fires."""
