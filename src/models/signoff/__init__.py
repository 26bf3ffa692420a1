"""Sign-off: the gate, two people's approval and the record of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.signoff.approval import approve, approved_model, history, propose, reject
    from models.signoff.errors import ApprovalError
    from models.signoff.gate import examine
    from models.signoff.record.demo_people import people
else:
    from features.lazy import lazily

    __getattr__ = lazily(
        __name__,
        {
            "ApprovalError": "models.signoff.errors",
            "approve": "models.signoff.approval",
            "approved_model": "models.signoff.approval",
            "examine": "models.signoff.gate",
            "history": "models.signoff.approval",
            "people": "models.signoff.record.demo_people",
            "propose": "models.signoff.approval",
            "reject": "models.signoff.approval",
        },
    )

__all__ = [
    "ApprovalError",
    "approve",
    "approved_model",
    "examine",
    "history",
    "people",
    "propose",
    "reject",
]
