"""Where the time of one call goes, step by step, in this process and without HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fenlei.bench.serve.questions import Questions
from models.scoring.reasons.points import pointed, strongest
from models.scoring.reasons.texts import reason
from serving.answers.answer import answer
from serving.answers.quick import Quick
from serving.answers.requests import body_of
from serving.current.snapshot import Snapshot
from serving.guard.audit import AuditLog
from serving.guard.call import Call


def steps(asked: Questions, snapshot: Snapshot, audit: Path, rounds: int = 300) -> dict[str, float]:
    """Return the microseconds of each step of one call by indicators with reasons, and of the whole."""
    quick = Quick(snapshot.catalogue, 1_000)
    model, raw = snapshot.served.model, asked.indicators
    items = [quick.read(one).items for one in raw]
    answers = [answer(one, snapshot)[0] for one in items]
    log = AuditLog(audit)
    line = Call("/classify", "bench", ["E"], {"model": 1}, {"model.version": "x" * 12}).line(200)

    def timed(work: Callable[[int], object]) -> float:
        took = []
        for k in range(rounds):
            begin = time.perf_counter()
            work(k % len(raw))
            took.append(time.perf_counter() - begin)
        return 1e6 * float(np.median(took))

    parse = timed(lambda i: body_of(raw[i]))
    spent = {
        "parse JSON": parse,
        "validate": timed(lambda i: quick.read(raw[i])) - parse,
    }
    whole = timed(lambda i: answer(items[i], snapshot))
    if model is not None:
        columns = snapshot.columns
        at = [columns[name] for name in model.indicator_names]
        rows: Sequence[np.ndarray] = [_row(one[0].indicators or {}, columns)[:, at] for one in items]
        explained = [model.explain(row) for row in rows]
        found = [pointed(model, one) for one in explained]
        best = [strongest(one.points, 5)[0].tolist() for one in found]
        entries = [snapshot.catalogue[name] for name in model.indicator_names]
        spent["margin"] = timed(lambda i: model.margin(rows[i]))
        spent["contributions"] = timed(lambda i: model.contributions(rows[i]))
        spent["score, points, interval"] = timed(
            lambda i: (
                pointed(model, explained[i]),
                model.probability(explained[i].margin),
                model.interval(explained[i].margin),
            )
        )
        spent["texts of reasons"] = timed(
            lambda i: [reason(entries[j], float(rows[i][0, j]), float(found[i].points[0, j])) for j in best[i]]
        )
        parts = ("margin", "contributions", "score, points, interval", "texts of reasons")
        spent["row, determinations, putting together"] = whole - sum(spent[part] for part in parts)
    else:
        spent["rules"] = whole
    spent["write JSON"] = timed(lambda i: getattr(answers[i], "to_json", str)())
    spent["audit line"] = timed(lambda i: log.append(line))
    log.close()
    return spent


def _row(given: dict[str, float | None], columns: dict[str, int]) -> np.ndarray:
    row = np.full((1, len(columns)), np.nan)
    for name, value in given.items():
        if value is not None:
            row[0, columns[name]] = value
    return row
