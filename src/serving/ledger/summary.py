"""Summary of a month on one page: classes, who moved and why, drift, coverage of the sources, time of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from features.catalogue import of_province
from features.check.reading import literal
from features.contract import TABLES
from models.reporting.html import STYLE, Raw, paragraph, percent, table, text
from models.scoring.classification import GRADE_ZH, GRADES, Grade
from serving.ledger.gate import Finding, class_psi
from serving.ledger.place import SUMMARY, write_whole

COLOURS: dict[str, str] = {"A": "#2f7d4f", "B": "#9bbf65", "C": "#e0a03a", "D": "#a3201d"}
"""From safe to risky; each bar also carries its letter."""
STEP = 20
"""Width of a bar of the scores' histogram, points."""


def write_summary(
    folder: Path,
    manifest: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    findings: Sequence[Finding],
    seconds: Mapping[str, float],
    peak_mb: float,
) -> Path:
    """Write a month's page beside its rows.

    Parameters
    ----------
    folder
        Where the month's parts stand.
    manifest, previous
        Of the month and of the month before, where there is one.
    findings
        What the gate found.
    seconds, peak_mb
        Time by step, and the greatest memory of the run, MiB.
    """
    found = _read(folder, str(manifest["province"]))
    head = f"{manifest['province']} {manifest['month']}：企业信用风险分类 Enterprise credit risk classes"
    parts = [
        Raw(f"<h1>{text(head)}</h1>"),
        paragraph(_lead(manifest, findings), "say"),
        *_classes(manifest, previous, found),
        *_moves(manifest, found),
        *_drift(manifest, previous),
        *_sources(manifest, previous),
        *_run(manifest, seconds, peak_mb),
    ]
    title = f"{manifest['province']} {manifest['month']}"
    page = (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )
    path = folder / SUMMARY
    write_whole(path, page)
    return path


def _read(folder: Path, province: str) -> dict[str, Any]:
    """Sum the month's rows: histogram of scores, reasons, regions, parts of moves."""
    rows = f"read_parquet({literal(str(folder / 'part-*.parquet'))}, hive_partitioning = false)"
    catalogue = of_province(province, peers=True)
    with duckdb.connect() as con:
        bars = con.execute(
            f"SELECT least(CAST(floor(score / {STEP}) AS INTEGER), {1000 // STEP - 1}), score_grade, count(*)"
            f" FROM {rows} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        regions = con.execute(
            f"""SELECT coalesce(region, '?') AS place, count(*) AS firms, count(*) FILTER (grade IN ('C', 'D')) AS cd,
                count(*) FILTER (grade = 'D') FROM {rows} GROUP BY 1 HAVING count(*) >= 100
                ORDER BY cd / firms DESC, place LIMIT 10"""
        ).fetchall()
        reasons = con.execute(
            f"""SELECT reason_1, count(*), median(reason_1_points) FROM {rows} WHERE grade IN ('C', 'D')
                AND reason_1_points > 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"""
        ).fetchall()
        causes = con.execute(
            f"""SELECT coalesce(moved_class_by, 'not told') AS part, count(*) FILTER (grade > previous_grade),
                count(*) FILTER (grade < previous_grade) FROM {rows} WHERE grade <> previous_grade
                GROUP BY 1 ORDER BY count(*) DESC, part"""
        ).fetchall()
        direct = con.execute(
            f"""SELECT rule, count(*) FROM (SELECT unnest(string_split(determinations, ';')) AS rule FROM {rows}
                WHERE determinations <> '') GROUP BY 1 ORDER BY 1"""
        ).fetchall()
    named = [(catalogue[n].zh if n in catalogue else n, catalogue[n].en if n in catalogue else n, c, p)
             for n, c, p in reasons]  # fmt: skip
    return {"bars": bars, "regions": regions, "reasons": named, "causes": causes, "direct": direct}


def _lead(manifest: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    who = (
        f"model version {manifest['model']['registered']} ({str(manifest['model']['version'])[:12]})"
        if manifest["model"]["version"]
        else f"the rules ({manifest['model']['why']})"
    )
    line = f"{manifest['rows']:,} enterprises, answered by {who}. "
    if not findings:
        return line + "The gate found nothing in the way: the month was published. 闸门未发现问题，已发布。"
    said = "; ".join(f"{f.en}（{f.zh}）" for f in findings)
    return line + f"Held for a person's release 待人工放行: {said}"


def _classes(manifest: Mapping[str, Any], previous: Mapping[str, Any] | None, found: Mapping[str, Any]) -> list[Raw]:
    now, total = manifest["classes"], max(1, manifest["rows"])
    before = previous["classes"] if previous else None
    rows = []
    for grade in GRADES:
        was = f"{before[grade] / max(1, previous['rows']):.1%}" if before and previous else None
        rows.append([f"{grade} {GRADE_ZH[grade]}", f"{now[grade]:,}", percent(now[grade] / total), was])
    tops = [[zh, en, f"{count:,}", f"{points:+.0f}"] for zh, en, count, points in found["reasons"]]
    direct = [[rule, f"{count:,}"] for rule, count in found["direct"]]
    return [
        Raw("<h2>类别 Classes</h2>"),
        _bars({grade: now[grade] / total for grade in GRADES}),
        table(["class", "firms", "share", "month before"], rows, align="tnnn", label="classes"),
        Raw("<h3>风险分分布 Scores</h3>"),
        _histogram(found["bars"]),
        Raw("<h3>C、D类企业的首要原因 What weighs most among C and D</h3>"),
        table(["原因", "reason", "firms", "median points"], tops, align="ttnn", label="reasons"),
        *(
            [Raw("<h3>直接判定 Direct determinations</h3>"), table(["rule", "firms"], direct, align="tn")]
            if direct
            else []
        ),
        Raw("<h3>C、D类占比最高的地区 Districts with the largest share of C and D</h3>"),
        table(
            ["district", "firms", "C and D", "share", "D"],
            [[r, f"{n:,}", f"{cd:,}", percent(cd / n), f"{d:,}"] for r, n, cd, d in found["regions"]],
            align="tnnnn",
            label="districts of 100 firms or more",
        ),
    ]


def _bars(shares: Mapping[Grade, float]) -> Raw:
    """Draw the classes as one bar of 100 %."""
    at, pieces = 0.0, []
    for grade, share in shares.items():
        width = 900 * share
        label = f'<text x="{at + width / 2:.1f}" y="27" text-anchor="middle" font-size="14" fill="#fff">{grade}</text>'
        pieces.append(f'<rect x="{at:.1f}" y="4" width="{width:.1f}" height="34" fill="{COLOURS[grade]}"/>')
        pieces.append(label if width > 18 else "")
        at += width
    said = ", ".join(f"{grade} {share:.1%}" for grade, share in shares.items())
    return Raw(f'<svg viewBox="0 0 900 42" role="img" aria-label="{said}" width="100%">{"".join(pieces)}</svg>')


def _histogram(bars: Sequence[tuple[int, str, int]]) -> Raw:
    """Draw the scores' histogram, coloured by the class of the score."""
    sums: dict[int, int] = {}
    for place, _, count in bars:
        sums[place] = sums.get(place, 0) + count
    top = max([*sums.values(), 1])
    width, done, pieces = 900 / (1000 / STEP), dict.fromkeys(sums, 0.0), []
    for place, grade, count in bars:
        height = 150 * count / top
        y = 160 - done[place] - height
        done[place] += height
        pieces.append(
            f'<rect x="{place * width + 0.5:.1f}" y="{y:.1f}" width="{width - 1:.1f}" height="{height:.1f}"'
            f' fill="{COLOURS[grade]}"/>'
        )
    ticks = "".join(
        f'<text x="{900 * k / 1000:.0f}" y="178" font-size="13" text-anchor="middle">{k}</text>'
        for k in range(100, 1000, 100)
    )
    return Raw(
        f'<svg viewBox="0 0 900 184" role="img" aria-label="histogram of scores, {STEP} points a bar" width="100%">'
        f'{"".join(pieces)}<line x1="0" x2="900" y1="160" y2="160" stroke="#5b6673"/>{ticks}</svg>'
    )


def _moves(manifest: Mapping[str, Any], found: Mapping[str, Any]) -> list[Raw]:
    moved = manifest["migration"]
    if not moved:
        return [Raw("<h2>迁移 Moves</h2>"), paragraph("No month before this one is published. 无上月可比。")]
    head = ["from \\ to", *GRADES]
    rows = [
        [grade, *(f"{count:,} ({count / max(1, sum(row)):.1%})" for count in row)]
        for grade, row in zip(GRADES, moved["counts"], strict=True)
    ]
    causes = [[cause, f"{worse:,}", f"{better:,}"] for cause, worse, better in found["causes"]]
    line = (
        f"Of {moved['firms']:,} firms of the month before, {moved['moved']:.1%} moved class: {moved['worse']:,} to a "
        f"riskier one, {moved['better']:,} to a safer one, {moved['far']:.2%} by two classes or more; "
        f"{moved['entered']:,} firms are new."
    )
    return [
        Raw("<h2>迁移 Moves since the month before</h2>"),
        paragraph(line),
        table(head, rows, align="tnnnn", label="class before and after"),
        Raw("<h3>原因 Causes</h3>"),
        table(["part at which the class changed", "riskier", "safer"], causes, align="tnn", label="causes"),
    ]


def _drift(manifest: Mapping[str, Any], previous: Mapping[str, Any] | None) -> list[Raw]:
    if previous is None:
        return []
    index = class_psi(manifest["classes"], previous["classes"])
    return [
        Raw("<h2>漂移 Drift</h2>"),
        paragraph(
            f"Stability index of the classes against {previous['month']}: {index:.4f}. Scores and indicators against "
            "those of the sign-off: `fenlei monitor` and the review of the version."
        ),
    ]


def _sources(manifest: Mapping[str, Any], previous: Mapping[str, Any] | None) -> list[Raw]:
    before = previous["records"] if previous else {}
    rows = []
    for name, said in manifest["records"].items():
        was = before.get(name, {}).get("rows")
        grown = None if was is None else f"{said['rows'] - was:+,}"
        rows.append(
            [f"{name} {TABLES[name].zh}", f"{said['rows']:,}", grown, f"{said['quarantined']:,}", said["covers_from"],
             said["latest_known_at"]]
        )  # fmt: skip
    lost = previous["coverage"] if previous else {}
    groups = [
        [group, percent(known), None if group not in lost else f"{known - lost[group]:+.1%}"]
        for group, known in sorted(manifest["coverage"].items(), key=lambda item: item[1])
    ]
    return [
        Raw("<h2>来源 Sources</h2>"),
        table(
            ["table", "rows", "since before", "quarantined", "covers from", "latest known"],
            rows,
            align="tnnnkk",
            label="tables of records",
        ),
        Raw("<h3>指标组已知比例 Known values by group of indicators, least first</h3>"),
        table(["group", "known", "since before"], groups, align="tnn", label="coverage"),
    ]


def _run(manifest: Mapping[str, Any], seconds: Mapping[str, float], peak_mb: float) -> list[Raw]:
    rows = [[name, f"{took:.1f} s"] for name, took in seconds.items()]
    rows.append(["together 合计", f"{sum(seconds.values()):.1f} s"])
    versions = [
        ["catalogue", manifest["catalogue"][:12]],
        ["policies", manifest["policy"]],
        ["model", str(manifest["model"]["content_hash"] or "–")[:12]],
        ["known as of", manifest["known_as_of"]],
    ]
    return [
        Raw("<h2>运行 The run</h2>"),
        table(["step", "time"], rows, align="tn", label="time by step"),
        paragraph(
            f"Greatest memory {peak_mb:,.0f} MiB. Steps that an earlier, stopped run had done took no time here."
        ),
        table(["made of", ""], versions, align="tk", label="versions"),
        paragraph(
            "内部资料：分类结果仅供监管使用，不对外公开。Internal: not for the public or the enterprise (HB 5).", "dim"
        ),
    ]
