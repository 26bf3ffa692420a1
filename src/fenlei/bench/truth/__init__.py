"""Learners beside the simulated truth."""
