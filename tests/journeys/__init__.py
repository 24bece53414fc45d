"""Whole days of casework on two nodes: one script of facts, lived by pages and again by REST; and the journeys of the
five roles in a browser, by keyboard alone and by pointer, in two languages each."""
