"""A believable province with known truth."""
