"""The ledger: every enterprise classified every month, kept whole or not at all (SAMR (7), HB 10)."""
