"""Supervision: plans of visits, warnings, outlook, objections and repairs, and results that come back."""
