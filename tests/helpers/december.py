"""A clean folder in which one thing happens to one penalty of each enterprise, between two months."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.contract import TABLES
from helpers.clean import clean_folder

BEFORE, AFTER = date(2025, 12, 1), date(2026, 1, 1)
CASES = ("aged", "revoked", "new", "new and revoked", "kept", "moved out of order")


def penalty(
    enterprise: str, record: str, occurred: date, known: date, version: int = 1, state: str = "active"
) -> dict[str, Any]:
    return {
        "record_id": record,
        "version": version,
        "enterprise_id": enterprise,
        "occurred_at": occurred,
        "known_at": known,
        "record_state": state,
        "penalty_kinds": "fine",
    }


def write_december(folder: Path) -> Path:
    """Write the clean folder; every case of `CASES` is an enterprise."""
    old, since = date(2024, 6, 1), date(2025, 12, 10)
    rows = [
        penalty("aged", "p1", date(2022, 12, 15), date(2023, 1, 5)),
        penalty("revoked", "p2", old, date(2024, 7, 1)),
        penalty("revoked", "p2", old, since, 2, "revoked"),
        penalty("new", "p3", date(2025, 11, 20), since),
        penalty("new and revoked", "p4", date(2025, 11, 20), since),
        penalty("new and revoked", "p4", date(2025, 11, 20), date(2025, 12, 20), 2, "revoked"),
        penalty("kept", "p5", old, date(2024, 7, 1)),
        # The second version was known long ago, the first only since: nothing that counts has changed.
        penalty("moved out of order", "p6", old, since),
        penalty("moved out of order", "p6", old, date(2024, 7, 1), 2),
    ]
    register = [
        {
            "record_id": f"r{k}",
            "version": 1,
            "enterprise_id": enterprise,
            "occurred_at": date(2015, 1, 1),
            "known_at": date(2015, 1, 2),
            "name": "示例公司",
            "enterprise_type": "limited_company",
            "status": "active",
        }
        for k, enterprise in enumerate(CASES)
    ]
    tables = {"registration": pd.DataFrame(register), "penalties": pd.DataFrame(rows)}
    return clean_folder(folder, tables, dict.fromkeys(TABLES, date(2010, 1, 1)))
