"""What is served now: the approved model, its rules and the month's table."""
