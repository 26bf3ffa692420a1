"""Calendar, randomness, rows and files of the simulation."""
