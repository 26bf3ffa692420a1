"""What the service reads of the ledger: the newest published month's table, and an enterprise's history."""
