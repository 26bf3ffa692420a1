"""Early warnings: what in the records and scores is more than chance, with evidence (SAMR (12), HB 22)."""
