"""Outlook: risk of regions and industries, shrunken, with intervals and trends (SAMR (13), HB 21)."""
