"""Guard of the service: tokens say who may ask, the audit trail who asked what, and limits how much."""
