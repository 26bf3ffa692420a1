"""Shadow: a proposed version scores beside the one that answers, never answers, and never slows an answer down."""
