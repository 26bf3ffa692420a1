"""The ledger: every enterprise classified every month, kept whole or not at all (SAMR (7), HB 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.ledger.publish import classify_month
    from serving.ledger.read import Ledger
    from serving.ledger.run import Ask
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "Ask": "serving.ledger.run",
            "Ledger": "serving.ledger.read",
            "classify_month": "serving.ledger.publish",
        },
    )

__all__ = ["Ask", "Ledger", "classify_month"]
