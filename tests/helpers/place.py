"""A place with policies of its own: it rests on Hebei, and its map declares indicators of the random records' words."""

from __future__ import annotations

from pathlib import Path

PLACE = "smalltown"

MAP = """
[[measures]]
name = "x1"
zh = "得分"
en = "score"
unit = "points"
direction = "lowers"
[[measures]]
name = "x2"
[[events]]
kind = "x3"
zh = "来电"
family = "societal"
group = "complaints"
[indicators]
windows = ["6m", "ever"]
[[indicators.own]]
name = "x3_days_most"
zh = "来电最大数量"
en = "greatest amount of a call"
family = "societal"
group = "complaints"
direction = "raises"
unit = "times"
policy = "city ordinance 7-38"
doc = "Greatest amount of an event of the kind call."
table = "events"
measure = "greatest"
column = "amount"
where = { kind = "x3" }
"""


def write_place(root: Path) -> Path:
    """Write the place's policies into a folder of policies; return the folder."""
    own = root / PLACE
    own.mkdir(parents=True)
    (own / "province.toml").write_text('name_zh = "小镇"\nbase = "hebei"\nmap = "city.toml"\n', encoding="utf-8")
    (own / "city.toml").write_text(MAP, encoding="utf-8")
    return root
