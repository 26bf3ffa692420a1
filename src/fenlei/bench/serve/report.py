"""``fenlei bench serve``: what is measured, as tables with their targets."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from features.errors import ConfigError
from fenlei.bench.common.grid import Grid
from fenlei.bench.serve.clients import Load, ask, request
from fenlei.bench.serve.questions import MANY, questions
from fenlei.bench.serve.servers import empty_endpoint, mlflow_server
from fenlei.bench.serve.steps import steps
from models.tracking.store import Store
from serving.current.snapshot import State
from serving.guard.tokens import create_token
from serving.launch import start
from serving.settings import Settings

Step = Callable[[str], None]
CLIENTS = (1, 8, 32)
OF_EMPTY, OF_MLFLOW, P99_MS, THOUSAND_MS, RECORD_MS = 0.6, 15.0, 10.0, 300.0, 150.0
"""Targets: of the empty endpoint's rate, times MLflow's; p99 at 8 clients; a thousand by id; p99 of a record."""


def measured(store: Store, table: Path, clean: Path, *, seconds: float, mlflow: bool, step: Step) -> list[Grid]:
    """Start every server in turn, ask it, and return the tables.

    Parameters
    ----------
    store, table, clean
        With a signed model; the month's table; the records it was made of.
    seconds
        How long each load lasts.
    mlflow
        Whether to measure ``mlflow models serve``, which takes long to start.

    Raises
    ------
    ConfigError
        If no model is approved.
    """
    loads: dict[str, dict[int, Load]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        settings = Settings(
            province="hebei",
            tracking_uri=store.uri,
            signers=store.signers,
            table=table,
            tokens=home / "tokens.jsonl",
            audit=home / "audit.jsonl",
            concurrency=256,
        )
        token = create_token(settings.tokens, "bench")
        snapshot = State(settings).snapshot
        model, version = snapshot.served.model, snapshot.served.version
        if model is None or version is None:
            raise ConfigError(f"no model answers there: {snapshot.served.why}")
        step("questions")
        asked = questions(table, clean, "hebei", model.indicator_names)
        step("step by step")
        spent = steps(asked, snapshot, home / "steps.jsonl")

        def at(port: int, name: str, path: str, bodies: Sequence[bytes], clients: Sequence[int] = CLIENTS) -> None:
            step(name)
            lines = [request(path, body, token) for body in bodies]
            loads[name] = {n: ask(port, lines, n, seconds) for n in clients}

        with start(settings) as service:
            port = int(service.url.rpartition(":")[2])
            at(port, "ours, by indicators, reasons on", "/classify", asked.indicators)
            at(port, "ours, by indicators, reasons off", "/classify", asked.plain)
            at(port, "ours, by id", "/classify", asked.ids)
            at(port, f"ours, {MANY:,} by id in one call", "/classify", asked.thousand, (1,))
            at(port, "ours, by a full record", "/classify", asked.records, (1,))
        with empty_endpoint(home) as port:
            at(port, "an empty BentoML endpoint", "/classify", asked.indicators)
        if mlflow:
            with mlflow_server(store, version, home) as port:
                at(port, "mlflow models serve", "/invocations", asked.mlflow)
    return [_table(loads), _profile(spent)]


def _table(loads: dict[str, dict[int, Load]]) -> Grid:
    grid = Grid(
        "serve",
        "one enterprise a call, JSON over HTTP: requests a second · p50 ms · p99 ms",
        ["", *(f"{n} client{'s' if n > 1 else ''}" for n in CLIENTS)],
        note=_verdict(loads),
    )
    for name, by_clients in loads.items():
        cells = [
            f"{one.rate:,.0f} · {one.at(0.5):,.1f} · {one.at(0.99):,.1f}" if (one := by_clients.get(n)) else ""
            for n in CLIENTS
        ]
        grid.rows.append((name, *cells))
    return grid


def _verdict(loads: dict[str, dict[int, Load]]) -> str:
    """Say how the targets were met."""
    ours, empty = loads["ours, by indicators, reasons on"], loads["an empty BentoML endpoint"]
    said = [
        f"of the empty endpoint's rate {ours[n].rate / empty[n].rate:.2f} at {n} (target {OF_EMPTY:g})" for n in CLIENTS
    ]
    if (mlflow := loads.get("mlflow models serve")) is not None:
        said += [f"{ours[n].rate / mlflow[n].rate:.1f} times MLflow at {n} (target {OF_MLFLOW:g})" for n in CLIENTS]
    said.append(f"p99 at 8 clients {ours[8].at(0.99):.1f} ms (target {P99_MS:g})")
    said.append(
        f"{MANY:,} by id {loads[f'ours, {MANY:,} by id in one call'][1].at(0.5):.0f} ms (target {THOUSAND_MS:g})"
    )
    said.append(f"a full record p99 {loads['ours, by a full record'][1].at(0.99):.0f} ms (target {RECORD_MS:g})")
    return "By indicators with reasons: " + "; ".join(said) + "."


def _profile(spent: dict[str, float]) -> Grid:
    whole = sum(spent.values())
    rows: list[Sequence[str]] = [(name, f"{took:.0f}", f"{took / whole:.0%}") for name, took in spent.items()]
    return Grid(
        "profile serve",
        f"where the {whole:.0f} µs of a call by indicators with reasons go, without HTTP",
        ["step", "µs", "share"],
        rows,
    )
