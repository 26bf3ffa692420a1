"""Clean record tables: opened, and seen by the one visibility rule."""
