"""Exercises on made-up exhibits: draw a set, keep its answers sealed, take what people answer, count it by skill."""
