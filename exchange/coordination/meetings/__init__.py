"""Meetings that were held, actions that were agreed on, and the meeting pack."""
