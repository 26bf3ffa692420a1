"""Settings of a training, held against all that they name before a row is read: study, policies, store, place."""

from __future__ import annotations

from pathlib import Path

from features.adapters.table import load_map, map_hash
from features.catalogue.sectors import own_of
from features.errors import ConfigError, FenleiError
from features.places import check_output, check_place
from features.policies import cohort_policy, features_policy, outcomes_policy
from features.policy import map_path
from features.population.groups import groups_policy
from features.toml_text import decode, line_of
from models.evaluation.policies import load_contract, load_drift, load_sampling
from models.learning.learner import bands_of
from models.scoring.rules.province import load_rules
from models.study.experiment import Experiment, load_experiment
from models.study.indicators import catalogue, choose
from models.tracking.reach import check_store, look_at
from models.tracking.store import Store


def checked_study(path: Path, *, trials: int | None = None) -> Experiment:
    """Read an experiment file and hold it against its province's policies, the catalogue and its own name.

    Parameters
    ----------
    path
        The experiment file. Results stand under the study's name, and the file has that name too: a copy in which the
        name was forgotten would write over the results of the study it was copied from.
    trials
        Asked for instead of the file's.

    Raises
    ------
    ConfigError
        If something does not fit; the message names the file, the line and the key.
    """
    experiment = load_experiment(path)
    if experiment.name != path.stem:
        raise _wrong(
            path, ("name",), f"{experiment.name!r} is not the file's own name, and results stand under it; expected "
            f"{path.stem!r}, or a file named {experiment.name}.toml"
        )  # fmt: skip
    province = experiment.province
    try:
        for load in (features_policy, outcomes_policy, cohort_policy, groups_policy):
            load(province)
        for judged in (load_contract, load_drift, load_sampling):
            judged(province)
        load_rules(province)
    except FenleiError as err:
        raise _wrong(path, ("province",), str(err)) from err
    try:
        own_of(province, experiment.sector)
    except FenleiError as err:
        raise _wrong(path, ("sector",), str(err)) from err
    check_map(path, experiment)
    try:
        choose(experiment.indicators, catalogue(experiment))
    except FenleiError as err:
        raise _wrong(path, ("indicators",), str(err)) from err
    try:
        bands_of(experiment)
    except FenleiError as err:
        raise _wrong(path, ("bands",), str(err)) from err
    if trials and not experiment.tuning.space:
        raise _wrong(path, ("tuning",), f"{trials} trials need a [tuning.space] to search")
    return experiment


def check_map(path: Path, experiment: Experiment) -> None:
    """Refuse a study whose map is wrong, or declares indicators that are not its place's.

    Indicators are a place's, so that training, the month's table and the service know the same: the place names the
    map in its ``province.toml``.

    Raises
    ------
    ConfigError
        With the file and what to write there.
    """
    file = experiment.source.map_file
    if file is None:
        return
    city = load_map(file)
    own = map_path(experiment.province)
    if (city.measures or city.events or city.indicators.own) and (own is None or map_hash(own) != map_hash(file)):
        raise _wrong(
            path,
            ("source", "map"),
            f"{file} declares indicators, which province {experiment.province!r} does not know; say map in its"
            f" province.toml, as the file's place from there (it {f'has {own}' if own else 'has none'})",
        )


def check_surroundings(store: Store, place: Path, searches: Path) -> None:
    """Refuse a working folder that can't be written, a store that does not answer, a broken database of searches.

    Raises
    ------
    ConfigError
        With what stands in the way.
    """
    check_place(place)
    check_output(searches)
    if searches.exists():
        look_at(searches)
    check_store(store)


def _wrong(path: Path, place: tuple[str, ...], said: str) -> ConfigError:
    line = line_of(decode(path, path.read_bytes()), place)
    where = f"{path}, line {line}" if line is not None else f"{path}"
    return ConfigError(f"{where}: {'.'.join(place)}: {said}")
