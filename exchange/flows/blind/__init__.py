"""What an examiner who may be asked to verify must not see, and what is sent for blind verification."""
