"""The indicator table of a month: written, read, its quality, and the same for a notebook."""
