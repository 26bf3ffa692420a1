"""What the plan's rows show of an enterprise: code, name and the reasons' short form, from the month's ledger."""

from __future__ import annotations

import duckdb
import pandas as pd

from features.catalogue import of_province
from features.records.store import connect
from serving.ledger.place import LedgerError
from serving.ledger.read import Month
from serving.ledger.schema import REASONS
from supervision.plan.policy import PLAN_COLUMNS, Rules


def described(rows: pd.DataFrame, month: Month, rules: Rules) -> pd.DataFrame:
    """Return rows with ``uscc``, ``name`` and ``reasons``, and ``score`` where the sheets may show it.

    Reasons are the indicators that raise the risk most, by their Chinese names; no points, and no score but by policy.

    Raises
    ------
    LedgerError
        If DuckDB can't read the month.
    """
    reasons = ", ".join(f"reason_{k}, reason_{k}_points" for k in range(1, REASONS + 1))
    con = connect()
    try:
        con.register("wanted", pd.DataFrame({"enterprise_id": rows["enterprise_id"].astype(str)}))
        found = con.execute(
            f"SELECT enterprise_id, uscc, name, score, {reasons} FROM {month.latest_sql()} SEMI JOIN wanted"
            " USING (enterprise_id)"
        ).df()
    except duckdb.Error as err:
        raise LedgerError(f"{month.place.root}: {err}") from err
    finally:
        con.close()
    catalogue = of_province(rules.province, peers=True)
    names = {name: indicator.zh for name, indicator in catalogue.items()}
    most = rules.plan.sheet.reasons
    texts = []
    for row in found.to_dict("records"):
        raising = [row[f"reason_{k}"] for k in range(1, REASONS + 1) if (row[f"reason_{k}_points"] or 0) > 0]
        texts.append("；".join(names.get(name, name) for name in raising[:most]))
    found["reasons"] = texts
    columns = [*PLAN_COLUMNS, *(["score"] if rules.plan.sheet.show_score else [])]
    return rows.merge(found, on="enterprise_id", how="left", validate="one_to_one")[columns]
