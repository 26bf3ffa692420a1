"""``fenlei demo``: the whole chain on a simulated province, as its users would walk it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.text import Text

from features.errors import ConfigError
from features.places import check_place
from fenlei.terminal import err, show
from fenlei.verbs.demo_supervision import supervise
from models.tracking.store import Store

END = date(2026, 1, 1)
"""First day after the simulated history: the cut-off that the demo classifies at."""
MONTH_BEFORE = date(2025, 12, 1)

Say = Callable[[str], None]

EXPERIMENT = Path("experiments/demo.toml")


def demo(
    work: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("data/generated/demo"),
    enterprises: Annotated[int, typer.Option(min=2000, help="How many enterprises to simulate.")] = 40_000,
    trials: Annotated[int, typer.Option(min=0, help="Tuning trials.")] = 3,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 7,
) -> None:
    """Simulate, check, learn, report, sign off, classify everyone for two months, serve, plan, write pages, stop."""
    say = _Clock()
    store, table, result = signed(work, enterprises, trials, seed, say)
    _serve(store, work, table, say)
    page = _page(store, work, table, say)
    _found(result)
    supervise(work, END)
    show(Text(f"report: {result.report.resolve()}"))
    show(Text(f"the month's summary: {next((work / 'ledger').rglob('month=2026-01/*/_summary.html')).resolve()}"))
    show(Text(f"one enterprise's page: {page.resolve()}"))
    say(f"done; everything is in {work}")


def signed(work: Path, enterprises: int, trials: int, seed: int, say: Say) -> tuple[Store, Path, Any]:
    """Simulate a province, learn a model of it and let two demo reviewers sign it; what `fenlei demo` serves.

    Returns
    -------
    store : Store
    table : Path
        The indicator table of `END`.
    result
        As `models.pipeline.train` gives it.

    Raises
    ------
    ConfigError
        If the experiment is not there, or nothing can be written to ``work``.
    """
    if not EXPERIMENT.is_file():
        raise ConfigError(f"no {EXPERIMENT} here: run the demo in a checkout of the project")
    check_place(work)
    # The demo has a store of its own: it never signs off a model among yours.
    work.mkdir(parents=True, exist_ok=True)
    store = store_of(work)
    province = work / "province"
    _simulate(province, enterprises, seed, say)
    result = _train(store, province, work, trials, say)
    _sign(store, result.version, work, say)
    table = _months(store, province, work, say)
    return store, table, result


def store_of(work: Path) -> Store:
    """Return the store of the demo in a folder."""
    return Store.in_folder(work, signers=work / "signing" / "signers.toml")


class _Clock:
    """Prints a line for each step with the seconds since the start, on standard error."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def __call__(self, step: str) -> None:
        err.print(Text(f"{time.perf_counter() - self.start:6.1f} s  {step}"), soft_wrap=True)


def _simulate(province: Path, enterprises: int, seed: int, say: Say) -> None:
    from simulation import simulate

    say(f"simulating {enterprises:,} enterprises over 84 months (seed {seed})")
    summary = simulate(province, enterprises=enterprises, months=84, seed=seed, end=END)
    say(f"  {sum(summary.rows.values()):,} records in {len(summary.rows)} tables: {province}")


def _train(store: Store, province: Path, work: Path, trials: int, say: Say) -> Any:
    from models.pipeline import train

    say(f"checking them and learning from past inspections ({trials} trials)")
    return train(EXPERIMENT, store=store, data=province, trials=trials, work=work, say=lambda step: say(f"  {step}"))


def _sign(store: Store, version: str, work: Path, say: Say) -> None:
    """Let two made-up reviewers, whom only the demo's own list knows, pass the gate and sign."""
    from models.signoff import approval
    from models.signoff.record.demo_people import people

    say("the gate, and two demo reviewers sign the version with keys of their own")
    _, one, two = people(work / "signing", END)
    on = END.isoformat()
    try:
        proposed = approval.propose(
            store, version, "demo", key=one, on=on, accept_unknown="a demo's few visits can't tell"
        )
        approval.approve(store, version, "demo", key=two, on=on)
    except approval.GateRefused as refused:
        # What a real reviewer would meet, so the demo goes on with it: nothing approved, the rules answer.
        say(f"  not approved, the rules will answer: {refused}")
        return
    unknown = [check for check, verdict in proposed.verdicts.items() if verdict == "cannot tell"]
    say(f"  approved; the gate could tell all but: {', '.join(unknown)}" if unknown else "  approved; the gate passed")


def _months(store: Store, province: Path, work: Path, say: Say) -> Path:
    """Publish two months of a new ledger; return the indicator table of the newer one, which is served."""
    from serving.current.snapshot import State
    from serving.ledger.place import SUMMARY, Place
    from serving.ledger.publish import classify_month
    from serving.ledger.run import Ask
    from serving.settings import Settings

    ledger = work / "ledger"
    shutil.rmtree(ledger, ignore_errors=True)  # an earlier demo's: months are never written over
    current = State(Settings(province="hebei", tracking_uri=store.uri, signers=store.signers)).snapshot
    for cutoff in (MONTH_BEFORE, END):
        say(f"classifying everyone in {cutoff:%Y-%m}")
        ask = Ask(province, cutoff, current.served, current.rules)
        made = classify_month(ask, ledger, on=END)
        classes = ", ".join(f"{grade} {count:,}" for grade, count in made.manifest["classes"].items())
        say(f"  {made.act}: {made.manifest['rows']:,} enterprises, {classes}; {made.folder / SUMMARY}")
        for finding in made.findings:
            say(f"  held: {finding.en}")
    return Place(ledger, "hebei").indicators(f"{END:%Y-%m}")


def _page(store: Store, work: Path, table: Path, say: Say) -> Path:
    """Write the page of the enterprise with the most penalties among those on the serious list."""
    from features.table.comparisons import read_comparisons
    from fenlei.verbs.explaining import Explainer, from_table
    from models.reporting.sheet import sheet

    explainer = Explainer("hebei", store, read_comparisons(table))
    who = _three(table)[-1]
    page = work / f"{who}.html"
    page.write_text(sheet(from_table(table, who, END, explainer), "zh"), encoding="utf-8")
    say(f"the page of {who}: {page}")
    return page


def _serve(store: Store, work: Path, table: Path, say: Say) -> None:
    from serving.guard.tokens import create_token
    from serving.launch import LaunchError, start
    from serving.settings import Settings

    settings = Settings(
        province="hebei",
        tracking_uri=store.uri,
        table=table,
        tokens=work / "tokens.jsonl",
        audit=work / "audit.jsonl",
        signers=store.signers,
    )
    settings.tokens.unlink(missing_ok=True)
    token = create_token(settings.tokens, "demo", days=1)
    say("starting the service")
    with start(settings) as service:
        say(f"  {service.url}: classifying three enterprises over HTTP")
        items = [{"enterprise_id": e} for e in _three(table)]
        status, answer = service.post("/classify", {"items": items}, token)
        if status != 200:
            raise LaunchError(f"the service answered {status}: {answer}")
        for item in answer["items"]:
            show(_answer(item))
    say("service stopped")


def _three(table: Path) -> list[str]:
    """Three enterprises that show something: a quiet one, a penalised one, one on the serious list."""
    from features.table.month import read_table

    frame, _ = read_table(table)
    ids = frame.index.get_level_values("enterprise_id")
    quiet = ids[(frame["penalties_3y"] == 0) & (frame["abnormal_listed_now"] == 0) & (frame["years_operating"] > 10)]
    penalised = ids[(frame["penalties_3y"] > 0) & (frame["evidence_H13_1"] == "")]
    serious = ids[frame["evidence_H13_1"] != ""]
    return [group[0] for group in (quiet, penalised, serious) if len(group)]


def _answer(answer: dict[str, Any]) -> Panel:
    """One served classification, for people."""
    found = answer.get("classification", answer)
    lines = [f"score {found['score']:g} of 1000, class {found['grade']}, answered by the {found['source']}"]
    if found["probability"] is not None:
        lines[0] += f"; a random visit would find a violation with probability {found['probability']:.1%}"
        if found["probability_interval"]:
            low, high = found["probability_interval"]
            lines[0] += f" (mean of enterprises with this score: {low:.1%} to {high:.1%})"
    lines += [f"  {reason['text_en']}\n  {reason['text_zh']}" for reason in found["reasons"][:3]]
    lines += [f"  {hit['rule']} → {hit['grade']}: {hit['text_en']}" for hit in found["determinations"]]
    return Panel(Text("\n".join(lines)), title=found["enterprise_id"], title_align="left")


def _found(result: Any) -> None:
    """The classes beside what random-arm visits found in them, what a plan by them finds, and the drift."""
    from models.reporting.terminal import contract_table, lines, worth_table

    show(contract_table(result.review.contract))
    show(worth_table(result.review))
    for line in lines(result.review):
        show(line)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(demo)
