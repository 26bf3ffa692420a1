"""Source contract, checks, point-in-time indicators: everything below the models."""
