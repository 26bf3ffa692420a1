"""Who may ask, and who asked what: tokens, audit trail, limits."""
