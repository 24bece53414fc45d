"""The file of an assessment as a form in a browser, for an assessor who has no node."""
