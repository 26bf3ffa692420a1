"""Scoring: from a margin to a score, a class and the answer; the model as it is signed."""
