"""State of the service: the approved model, its rules and the month's table."""
