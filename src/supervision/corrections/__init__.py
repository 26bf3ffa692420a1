"""Objections and repairs: opened and decided by two persons, written as records, months made again (SC (13), (17))."""
