"""Policies: the numbers a province may change, found and validated in one place.

A policy is a TOML file ``data/policies/<province>/<name>.toml`` validated by a pydantic model;
no code holds a number that a province may change. The folder travels inside a wheel.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ConfigError
from features.given import PathLike, as_path
from features.near import did_you_mean
from features.toml_text import decode, line_of, parse, said_of


class Policy(BaseModel):
    """Base of every policy: frozen, and an unknown key is an error, not a typo that passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=BaseModel)


def policy_root() -> Path:
    """Folder of the policies: inside the installed package, else in the checkout."""
    inside = Path(__file__).with_name("_policies")
    return inside if inside.is_dir() else Path(__file__).parents[2] / "data" / "policies"


ELSEWHERE = "FENLEI_POLICIES"
"""Environment variable that names a folder of a place's own policies, looked through before the product's."""

_chosen: list[Path] = []


def own_policies() -> Path | None:
    """Return the folder of a place's own policies: the one chosen by `use_policies`, else by `ELSEWHERE`."""
    given = os.environ.get(ELSEWHERE)
    return _chosen[-1] if _chosen else Path(given) if given else None


def policy_roots() -> tuple[Path, ...]:
    """Folders of policies, the nearer first: a place's own, where one is named, then the product's."""
    own = own_policies()
    return (policy_root(),) if own is None else (own, policy_root())


def use_policies(folder: PathLike) -> None:
    """Look for policies in a folder first, from now on.

    Raises
    ------
    ConfigError
        If it is no folder, or no folder in it has a TOML file.
    """
    root = as_path(folder, "folder of policies").absolute()
    if not any(root.glob("*/*.toml")):
        raise ConfigError(f"{root}: expected a folder with policies of places, such as <place>/province.toml")
    _chosen[:] = [root]


@contextmanager
def policies_from(folder: PathLike | None) -> Iterator[None]:
    """Look for policies in a folder first, for a while: two sets of policies are compared. None: as ever.

    Raises
    ------
    ConfigError
        As `use_policies`.
    """
    before = list(_chosen)
    try:
        if folder is not None:
            use_policies(folder)
        yield
    finally:
        _chosen[:] = before


class Province(Policy):
    """``province.toml``: a province that states only what it decides itself, and whose policies fill the rest.

    ``map``: the place's map of its files, from where this file is; its measures and events are indicators of the
    place (`features.catalogue.sectors.place`).
    """

    name_zh: str
    base: str
    map: str | None = None


def policy_path(province: str, name: str) -> Path:
    """Return the file of one policy: the province's own, else that of its ``base``.

    Raises
    ------
    ConfigError
        If neither the province nor its base has the policy; the message lists who does.
    """
    for each in province_line(province):
        for root in policy_roots():
            path = root / each / f"{name}.toml"
            if path.is_file():
                return path
    there = sorted({p.parent.name for root in policy_roots() for p in root.glob(f"*/{name}.toml")})
    meant = did_you_mean(province, there)
    raise ConfigError(f"no policy {name!r} for province {province!r}; provinces that have one: {there}{meant}")


def _province(name: str) -> tuple[Path, Province] | None:
    """Return the ``province.toml`` of one that states only what it decides itself."""
    for root in policy_roots():
        own = root / name / "province.toml"
        if own.is_file():
            return own, load_toml(own, Province)
    return None


def province_line(province: str) -> tuple[str, ...]:
    """Return the province and, where it has one, its base, and the base's: whose policies hold, the nearer first.

    Raises
    ------
    ConfigError
        If a province is its own base, directly or through others.
    """
    line = [province]
    while found := _province(line[-1]):
        own, said = found
        if said.base in line:
            raise ConfigError(
                f"{own}, line {_line(own, 'base')}: base {said.base!r} rests on {province!r} itself; "
                "expected another province"
            )
        if not any((root / said.base).is_dir() for root in policy_roots()):
            there = sorted({p.parent.name for root in policy_roots() for p in root.glob("*/*.toml")})
            meant = did_you_mean(said.base, there)
            raise ConfigError(
                f"{own}, line {_line(own, 'base')}: base {said.base!r} has no policies; expected one of {there}{meant}"
            )
        line.append(said.base)
    return tuple(line)


def _line(path: Path, key: str) -> int | None:
    return line_of(decode(path, path.read_bytes()), (key,))


def map_path(province: str) -> Path | None:
    """Return the map of a place, its own or its base's; None where no ``province.toml`` names one."""
    for each in province_line(province):
        found = _province(each)
        if found and found[1].map:
            return found[0].parent / found[1].map
    return None


def policy_names(province: str, folder: str) -> tuple[str, ...]:
    """Return the names of the policies in a folder of a province or its base, sorted."""
    folders = [root / each / folder for each in province_line(province) for root in policy_roots()]
    return tuple(sorted({file.stem for each in folders for file in each.glob("*.toml")}))


def load_toml(path: PathLike, model: type[P]) -> P:
    """Read and validate one TOML file.

    Raises
    ------
    ConfigError
        If the file is missing, no TOML in UTF-8 or breaks the model; the message names the file, the line and the key.
    """
    return _read(as_path(path, f"{model.__name__} file"), model)[0]


def _read(path: Path, model: type[P]) -> tuple[P, bytes]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; expected a TOML file of settings ({model.__name__})")
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise ConfigError(f"{path}: can't be read: {err.strerror or err}") from err
    text = decode(path, raw)
    try:
        return model.model_validate(parse(path, text)), raw
    except ValidationError as err:
        raise ConfigError(f"{path} is not a valid {model.__name__}:\n{said_of(text, err, model)}") from err


def load_policy(province: str, name: str, model: type[P]) -> P:
    """Load one policy of a province; see `policy_path` and `load_toml` for the errors."""
    return load_toml(policy_path(province, name), model)


def read_policy(province: str, name: str, model: type[P]) -> tuple[P, str]:
    """Load one policy and return it with the SHA-256 of the very bytes it was parsed from.

    A file replaced between parsing and hashing would otherwise lend its hash to what it no longer says.
    """
    policy, raw = _read(policy_path(province, name), model)
    return policy, hashlib.sha256(raw).hexdigest()


def policy_hash(province: str, *names: str) -> str:
    """SHA-256 over the named policy files of a province, in the order given; a place's map counts with its features."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(policy_path(province, name).read_bytes())
        if name == "features" and (path := map_path(province)):
            digest.update(path.read_bytes())
    return digest.hexdigest()
