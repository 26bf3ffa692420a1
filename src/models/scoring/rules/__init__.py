"""The rules: direct determinations and the scorecard that answers when no model is approved."""
