"""Tables of what became of products on the market. They stand last: a table's place is part of simulated record ids."""

from __future__ import annotations

from features.contract import codes as c
from features.contract.parts import ENDED
from features.contract.types import Column, Table

PRODUCT_TABLES: tuple[Table, ...] = (
    Table(
        "recalls",
        "产品召回",
        "a recall of products, by order of a regulator or by the enterprise itself",
        "day the recall was ordered or begun",
        (
            Column("recall_kind", "code", "召回方式", required=True, codes=c.RECALL_KIND),
            Column("field", "code", "领域", codes=c.FIELD),
            Column("recall_level", "code", "召回级别", "where the field has levels", codes=c.RECALL_LEVEL),
            ENDED,
        ),
        "SAMR (5); HB 14",
    ),
)
