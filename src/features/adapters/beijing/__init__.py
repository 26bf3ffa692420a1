"""Beijing's open government data as a source that obeys the contract."""

from features.adapters.beijing.adapt import adapt_beijing

__all__ = ["adapt_beijing"]
