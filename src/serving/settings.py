"""Settings of the service: environment variables ``FENLEI_<NAME>``, validated once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import ConfigError
from models.tracking.store import Store

PREFIX = "FENLEI_"


class Settings(BaseModel):
    """Settings of the service; each is the environment variable ``FENLEI_`` + its name in capitals.

    Parameters
    ----------
    province
        Whose bands, points and direct rules apply; there is none by default.
    policies
        Folder of a place's own policies, looked through before the product's (`features.policy.own_policies`).
    tracking_uri
        MLflow's tracking and registry URI; by default ``MLFLOW_TRACKING_URI``, else sqlite under ``data/generated``.
    records
        Folder of the approval record, where it does not stand beside the MLflow database.
    signers
        List of signers, where it is not the province's ``signers.toml``: for a demo or a test.
    table
        The current indicator table (`serving.current.table`), for questions by enterprise; without it they get 503.
    ledger
        The ledger whose newest published month answers those questions, in the place of ``table``.
    rows
        Folder for the rows of the table, made for reading one (`serving.current.rows`); beside the table, or in the
        ledger, by default.
    tokens, audit
        File of the bearer tokens (`serving.guard.tokens`) and of the audit record (`serving.guard.audit`).
    audit_heads
        File, best on another disk, that gets the audit record's newest hash when it is put aside or closed.
    regions
        Parquet file that says where enterprises are (`serving.guard.regions`), such as ``registration.parquet`` of the
        month's clean folder; without it a token with regions may ask by records alone.
    workers
        Processes that answer; each has its own chain of the audit record, and holds what it holds by itself.
    shadow
        A registered version that scores beside the one that answers (`serving.shadow`), and never answers.
    shadow_file
        Where the two are compared, rewritten every few seconds; `fenlei shadow` prints it.
    max_items
        Enterprises in one call; more get 413.
    max_records, max_rows
        Records (rows of contract tables) in one call, and rows in all of them together; more get 422.
    max_bytes
        Size of a request's body; more gets 413.
    top
        Reasons in an answer.
    timeout
        Seconds after which a call gets 504; what it has not begun by then is not begun.
    idempotency_seconds
        How long an answer is kept for its ``Idempotency-Key``.
    concurrency
        Calls in work or waiting; more get 429.
    reload_seconds
        How often the approval record and the table are looked at for a change.
    recheck_seconds
        How often the approved model's files are hashed again although nothing seems to have changed.

    Examples
    --------
    >>> Settings.from_env({"FENLEI_PROVINCE": "henan"}).province
    'henan'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    province: str
    policies: Path | None = None
    tracking_uri: str | None = None
    records: Path | None = None
    signers: Path | None = None
    table: Path | None = None
    ledger: Path | None = None
    rows: Path | None = None
    tokens: Path = Path("data/generated/tokens.jsonl")
    audit: Path = Path("data/generated/audit.jsonl")
    audit_heads: Path | None = None
    regions: Path | None = None
    workers: int = Field(default=1, ge=1, le=64)
    shadow: str | None = None
    shadow_file: Path = Path("data/generated/shadow.json")
    max_items: int = Field(default=1_000, ge=1)
    max_records: int = Field(default=200, ge=1)
    max_rows: int = Field(default=50_000, ge=1)
    max_bytes: int = Field(default=32 * 2**20, ge=1)
    top: int = Field(default=5, ge=0)
    timeout: float = Field(default=5.0, gt=0)
    idempotency_seconds: float = Field(default=600.0, ge=0)
    concurrency: int = Field(default=64, ge=1)
    reload_seconds: float = Field(default=1.0, gt=0)
    recheck_seconds: float = Field(default=60.0, gt=0)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **told: object) -> Settings:
        """Read the settings from environment variables; what is told besides, unless it is None, wins over them.

        Raises
        ------
        ConfigError
            If a value does not fit; the message names the variable.
        """
        given = os.environ if environ is None else environ
        values: dict[str, object] = {
            name: given[PREFIX + name.upper()] for name in cls.model_fields if given.get(PREFIX + name.upper())
        }
        if given.get("MLFLOW_TRACKING_URI"):
            values.setdefault("tracking_uri", given["MLFLOW_TRACKING_URI"])
        told = {name: value for name, value in told.items() if value is not None}
        for name, other in (("table", "ledger"), ("ledger", "table")):
            if name in told and other not in told:
                values.pop(other, None)
        values |= told
        if values.keys() >= {"table", "ledger"}:
            raise ConfigError(
                f"settings of the service: {PREFIX}TABLE and {PREFIX}LEDGER are both set; expected one: a table, or the"
                " ledger whose newest month is served"
            )
        try:
            return cls.model_validate(values)
        except ValidationError as err:
            lines = [f"  {PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in err.errors()]
            raise ConfigError("settings of the service:\n" + "\n".join(lines)) from err

    def as_env(self) -> dict[str, str]:
        """Return the environment variables that say the same in another process, paths made absolute."""
        out = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None:
                out[PREFIX + name.upper()] = str(value.resolve() if isinstance(value, Path) else value)
        return out

    @property
    def store(self) -> Store:
        """Where MLflow, the approval record and the list of its signers are."""
        return Store.named(self.tracking_uri, self.records, self.signers)
