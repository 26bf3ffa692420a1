"""One enterprise's record through the same SQL, in prepared statements."""
