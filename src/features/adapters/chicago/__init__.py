"""Chicago's food inspections as a source that obeys the contract."""

from features.adapters.chicago.adapt import adapt_chicago

__all__ = ["adapt_chicago"]
