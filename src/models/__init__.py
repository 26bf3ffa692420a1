"""Outcomes to a calibrated class: splits, classifier, bands, scorecard, explanations, approval."""
