"""Ways of learning from biased visits, measured beside the truth."""
