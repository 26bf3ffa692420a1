"""Time and memory on your machine."""
