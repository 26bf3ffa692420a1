"""Remedies: what an enterprise may do to come down a class, what it waits for, and what to remind it of."""
