"""Data of the report page, computed once."""
