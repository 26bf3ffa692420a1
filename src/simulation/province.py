"""The simulated province: chunks of enterprises, one after the other, into files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.contract import TABLES
from features.contract import codes as c
from features.errors import ConfigError
from features.given import DayLike, PathLike, as_day, as_path
from features.places import check_place
from simulation.base.months import EPOCH, Calendar
from simulation.base.rng import Ints, Stream
from simulation.base.rows import TableMakers, TableRows, schema_of
from simulation.base.text import (
    code_text,
    company_names,
    date_array,
    enterprise_ids,
    numbered,
    record_ids,
    referred_ids,
    social_credit_codes,
)
from simulation.base.write import SIMULATED, RowGroupWriter, check_own_place, write_json
from simulation.config import SimulationPolicy, load_simulation
from simulation.records.conduct import (
    record_abnormal_list,
    record_recalls,
    record_rounds,
    record_suits_and_samples,
    record_talks,
)
from simulation.records.corrections import correct
from simulation.records.events import Chunk
from simulation.records.finance import (
    record_annual_reports,
    record_certificates,
    record_property,
    record_tax_and_insurance,
)
from simulation.records.findings import FINDING_MAKERS, record_findings
from simulation.records.inspections import Rounds, inspect
from simulation.records.local import EVENTS, MEASURES, record_local
from simulation.records.registry import (
    HOLDER,
    record_branches_and_equipment,
    record_changes,
    record_licences,
    record_people_and_holders,
    record_registration,
)
from simulation.records.society import record_complaints, record_opinion_and_honours, record_trust
from simulation.world.drift import Drift, with_new_industry
from simulation.world.latent import simulate_latent
from simulation.world.life import live
from simulation.world.population import Population, World, populate

MOST_ENTERPRISES = 9_999_999
"""Ids have seven digits."""
MOST_HUNCH = 20.0
CHUNK = 8192
"""Enterprises at a time: fits caches; no number depends on it."""
FORMS = {
    "joint_stock": "股份有限公司",
    "state_owned": "厂",
    "collective": "集体企业",
    "sole_proprietorship": "经营部",
    "partnership": "合伙企业（有限合伙）",
    "branch": "有限公司分公司",
}
TRUTH_SCHEMA = pa.schema(
    [pa.field("enterprise_id", pa.string()), pa.field("month", pa.date32()), pa.field("risk", pa.float64())]
)


@dataclass(frozen=True)
class SimulationSummary:
    """What was written.

    Parameters
    ----------
    folder, truth
        The source folder, and the file of the true risk beside it.
    enterprises, months, seed
        As asked.
    begin, end
        First day of the history and first day after it.
    rows
        Rows of each table.
    random_visits, targeted_visits, draws
        Visits of each arm and draws simulated, results not yet known included.
    problem_rate
        Mean true risk over enterprises and months.
    drift
        What drift was asked for, and the first day of each.
    """

    folder: Path
    truth: Path
    enterprises: int
    months: int
    seed: int
    begin: date
    end: date
    rows: dict[str, int]
    random_visits: int
    targeted_visits: int
    draws: int
    problem_rate: float
    drift: dict[str, str]

    def as_dict(self) -> dict[str, object]:
        """Return the summary as JSON-ready values."""
        content = asdict(self)
        return {k: str(v) if isinstance(v, Path | date) else v for k, v in content.items()}


def simulate_chunk(world: World, index: Ints) -> tuple[Population, dict[str, TableRows], Rounds, Chunk]:
    """Simulate the enterprises with these indexes: records of all tables, rounds and truth."""
    pop = populate(world, index)
    latent = simulate_latent(world, pop)
    chunk = Chunk(world, pop, latent, live(world, pop, latent))
    tables = {name: TableRows(name) for name in TABLES}
    record_registration(chunk, tables)
    record_people_and_holders(chunk, tables)
    record_changes(chunk, tables)
    record_licences(chunk, tables)
    record_branches_and_equipment(chunk, tables)
    record_annual_reports(chunk, tables)
    record_tax_and_insurance(chunk, tables)
    record_property(chunk, tables)
    record_certificates(chunk, tables)
    record_opinion_and_honours(chunk, tables)
    record_trust(chunk, tables)
    record_talks(chunk, tables)
    record_recalls(chunk, tables)
    voices = record_complaints(chunk, tables)
    sights = record_suits_and_samples(chunk, tables) + record_abnormal_list(chunk, tables) + voices.sights
    rounds = inspect(chunk, sights, voices.events, voices.known)
    record_rounds(chunk, tables, rounds)
    record_findings(chunk, tables, rounds.visits)
    record_local(chunk, tables, rounds)
    correct(world, tables)
    return pop, tables, rounds, chunk


def _makers(world: World, pop: Population) -> TableMakers:
    """Return the makers of text columns for one chunk."""
    industries = world.policy.industries
    forms = [FORMS.get(code, "有限公司") for code in c.ENTERPRISE_TYPE.codes]

    def place(enterprise: Ints) -> Ints:
        return np.searchsorted(pop.index, enterprise)

    def holder(e: Ints, slot: Ints, v: Ints, cols: dict[str, Ints]) -> pa.Array:
        kind = cols["holder_kind"]
        choices = {
            HOLDER["person"]: numbered("P", v, 10),
            HOLDER["enterprise"]: enterprise_ids(v),
            HOLDER["state"]: numbered("S", v % 500, 4),
            HOLDER["foreign"]: numbered("F", v, 10),
        }
        joined = pa.chunked_array([choices[k] for k in sorted(choices)])
        return joined.take(pa.array(kind * len(v) + np.arange(len(v)))).combine_chunks()

    def name(e: Ints, slot: Ints, v: Ints, cols: dict[str, Ints]) -> pa.Array:
        i = place(e)
        words = [industries[k].word for k in pop.industry[i]]
        return company_names(e, v, pop.district[i], words, [forms[k] for k in pop.type[i]])

    def plan(e: Ints, slot: Ints, v: Ints, cols: dict[str, Ints]) -> pa.Array:
        months = [
            f"PLAN-{world.calendar.year(t)}-{world.calendar.calendar_month(t):02d}"
            for t in range(world.calendar.months)
        ]
        return code_text(months, v, None)

    def document(e: Ints, slot: Ints, v: Ints, cols: dict[str, Ints]) -> pa.Array:
        year = 1970 + cols["occurred"].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
        number = e * 100_000 + slot
        texts = [f"示市监罚〔{y}〕{k:012d}号" for y, k in zip(year.tolist(), number.tolist(), strict=True)]
        return pa.array(texts, pa.string())

    return {
        "registration.uscc": lambda e, slot, v, cols: social_credit_codes(e, pop.region[place(e)]),
        "registration.name": name,
        "registration.industry": lambda e, slot, v, cols: code_text([i.code for i in industries], v, None),
        "registration.region": lambda e, slot, v, cols: numbered("", v, 6),
        "registration.address_id": lambda e, slot, v, cols: numbered("A", v, 10),
        "registration.phone_id": lambda e, slot, v, cols: numbered("T", v, 10),
        "registration.agent_id": lambda e, slot, v, cols: numbered("G", np.maximum(v, 0), 6),
        "persons_roles.person_id": lambda e, slot, v, cols: numbered("P", v, 10),
        "shareholdings.holder_id": holder,
        "branches.region": lambda e, slot, v, cols: numbered("", v, 6),
        "licences.licence_no": lambda e, slot, v, cols: numbered("SL", e * 10_000 + v, 11),
        "penalties.document_no": document,
        "inspections.draw_id": lambda e, slot, v, cols: record_ids("draws", e, np.maximum(v, 0)),
        "inspections.inspector_id": lambda e, slot, v, cols: numbered("I", v, 6),
        **FINDING_MAKERS,
        "draws.plan_id": plan,
        "measures.visit_id": lambda e, slot, v, cols: record_ids("inspections", e, v),
        "measures.name": lambda e, slot, v, cols: code_text(MEASURES, v, None),
        "events.kind": lambda e, slot, v, cols: code_text(EVENTS, v, None),
        "repairs.ref_table": lambda e, slot, v, cols: code_text(list(TABLES), v, None),
        "repairs.ref_record_id": lambda e, slot, v, cols: referred_ids(cols["ref_table"], e, v),
        "objections.ref_table": lambda e, slot, v, cols: code_text(list(TABLES), v, None),
        "objections.ref_record_id": lambda e, slot, v, cols: referred_ids(cols["ref_table"], e, v),
    }


def _truth_table(world: World, pop: Population, rounds: Rounds, chunk: Chunk) -> pa.Table:
    """Return the true risk of each enterprise and month it exists in."""
    row, month = np.nonzero(chunk.life.exists)
    columns = [
        enterprise_ids(pop.index[row]),
        date_array(world.calendar.starts[month]),
        pa.array(rounds.truth[row, month]),
    ]
    return pa.table(columns, schema=TRUTH_SCHEMA)


def simulate(
    out: PathLike,
    *,
    enterprises: int = 20_000,
    months: int = 60,
    seed: int = 7,
    end: DayLike = date(2026, 1, 1),
    progress: Callable[[int, int], None] | None = None,
    policy: SimulationPolicy | None = None,
    chunk_size: int = CHUNK,
    drift: Collection[str] = (),
    hunch: float | None = None,
) -> SimulationSummary:
    """Write a simulated province: all contract tables, a manifest, and the truth beside the folder.

    Parameters
    ----------
    out
        Folder of the source tables; made when missing, its tables overwritten. The truth goes to
        ``<out>_truth/risk.parquet``, which no loader of the product reads.
    enterprises, months, seed
        Size of the province, length of the history, and the seed; same seed, same bytes.
    end
        First day after the history, first of a month; nothing known on or after it is written.
    progress
        Called with (enterprises done, enterprises).
    policy
        Assumptions; by default those of the demo province.
    chunk_size
        Enterprises held in memory at a time; changes no byte of the result.
    drift
        Any of `simulation.world.drift.KINDS`: what changes in the middle of the history.
    hunch
        Odds ratio of a violation, targeted to random, at equal records; None takes the policy's.

    Raises
    ------
    ConfigError
        If a size is out of range, the policy is wrong, or nothing can be written to one of the two folders, or the
        first holds records that are no simulated ones.
    """
    out, end = as_path(out, "folder to write"), as_day(end, "end")
    if not 1 <= enterprises <= MOST_ENTERPRISES:
        raise ConfigError(f"a province has 1 to {MOST_ENTERPRISES} enterprises, not {enterprises}")
    if chunk_size < 1:
        raise ConfigError(f"a chunk has at least one enterprise, not {chunk_size}")
    if hunch is not None and not 1.0 <= hunch <= MOST_HUNCH:
        raise ConfigError(f"the hunch is an odds ratio from 1 to {MOST_HUNCH:g}, not {hunch:g}")
    world = _world(enterprises, Calendar.before(end, months), policy or load_simulation(), seed, drift, hunch)
    truth = out.parent / f"{out.name}_truth"
    check_own_place(out)
    check_place(truth)
    out.mkdir(parents=True, exist_ok=True)
    truth.mkdir(exist_ok=True)
    counts = np.zeros(3, dtype=np.int64)
    risk_sum, risk_rows = [], 0
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(RowGroupWriter(out / f"{name}.parquet", schema_of(name))) for name in TABLES
        }
        truth_writer = stack.enter_context(RowGroupWriter(truth / "risk.parquet", TRUTH_SCHEMA))
        for low in range(0, enterprises, chunk_size):
            index = np.arange(low, min(low + chunk_size, enterprises), dtype=np.int64)
            pop, tables, rounds, chunk = simulate_chunk(world, index)
            makers = _makers(world, pop)
            for name, table in tables.items():
                writers[name].write(table.finish(world.calendar.end, makers))
            true_risk = _truth_table(world, pop, rounds, chunk)
            truth_writer.write(true_risk)
            targeted = int(rounds.visits.targeted.sum())
            counts += [len(rounds.visits.events) - targeted, targeted, len(rounds.draws.events)]
            risk_sum.append(float(np.sum(true_risk["risk"].to_numpy())))
            risk_rows += true_risk.num_rows
            if progress is not None:
                progress(int(index[-1]) + 1, enterprises)
    begin = date.fromordinal(world.calendar.begin + EPOCH.toordinal())
    write_json(out / "manifest.json", _manifest(world, seed, begin, end))
    return SimulationSummary(
        folder=out,
        truth=truth / "risk.parquet",
        enterprises=enterprises,
        months=months,
        seed=seed,
        begin=begin,
        end=end,
        rows={name: w.rows for name, w in writers.items()},
        random_visits=int(counts[0]),
        targeted_visits=int(counts[1]),
        draws=int(counts[2]),
        problem_rate=sum(risk_sum) / max(risk_rows, 1),
        drift=world.drift.said(world.calendar),
    )


def _world(
    enterprises: int,
    calendar: Calendar,
    policy: SimulationPolicy,
    seed: int,
    kinds: Collection[str],
    hunch: float | None,
) -> World:
    """Return the world of the options."""
    stream = Stream(seed)
    drift = Drift.drawn(kinds, calendar, policy, stream)
    if drift.new_industry < calendar.months:
        policy = with_new_industry(policy)
    if hunch is not None:
        policy = policy.model_copy(update={"inspection": policy.inspection.model_copy(update={"hunch": hunch})})
    return World(enterprises, calendar, policy, stream, drift)


def _manifest(world: World, seed: int, begin: date, end: date) -> dict[str, object]:
    return {
        "source": f"{SIMULATED} 示范省 (no real enterprise), seed {seed}",
        "as_of": end.isoformat(),
        "tables": {
            name: {
                "covers_from": begin.isoformat(),
                "lag_days": world.policy.lags[name][1],
                "note": f"simulated; {world.enterprises} enterprises, {world.calendar.months} months",
            }
            for name in TABLES
        },
    }
