"""Ways of learning from biased visits, beside the truth."""
