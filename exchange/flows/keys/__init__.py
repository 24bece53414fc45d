"""Whose keys are believed: enrolment, the trust root, rotation, and keys that were in wrong hands."""
