"""A node's database is brought to another form, up or back, after it was said what that takes and what is lost."""
