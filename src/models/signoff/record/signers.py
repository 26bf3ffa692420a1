"""The list of those who may sign: a policy of a province, ``signers.toml``, with public keys only.

Who signs is decided by the key, never by a typed name. Names matter all the same: one person with two keys
must not be two people, and no reader should take one person for another.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from features.errors import WrongKey
from features.policy import Policy, load_toml, policy_root, policy_roots
from models.signoff.errors import ApprovalError
from models.signoff.record.keys import public_bytes
from models.tracking.store import Store

Role = Literal["propose", "approve", "override", "override_approve", "confirm"]
FILE = "signers"
"""Names another list, for a demo or a test; whoever sets a process's environment decides what it serves anyway."""

_LOOK_ALIKE = str.maketrans({"1": "l", "i": "l", "0": "o"})


def skeleton(name: str) -> str:
    """Name as compared: width, case, spaces, invisible characters and look-alikes don't make another person.

    Latin letters are folded with what a reader takes for them (``I`` ``l`` ``1``, ``O`` ``0``, ``rn`` ``m``,
    ``vv`` ``w``), so that ``Wang AI`` and ``Wang Al`` are one. Other scripts can't imitate a name here:
    `Signer` takes Latin letters for ``name`` and Chinese characters for ``name_zh``, nothing else.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    kept = "".join(c for c in folded if unicodedata.category(c)[0] in "LN")
    return kept.translate(_LOOK_ALIKE).replace("rn", "m").replace("vv", "w")


NO_KEY = base64.b64encode(bytes(32)).decode()


def _han(c: str) -> bool:
    return unicodedata.name(c, "").startswith("CJK UNIFIED IDEOGRAPH")


class Signer(Policy):
    """One key of one person.

    Parameters
    ----------
    name, name_zh
        Latin letters, digits, space, ``'``, ``-`` and ``.``; Chinese characters and ``·``. A person with several keys,
        as after a lost one, stands several times, named alike.
    public_key
        Base64 of the 32 bytes, as ``fenlei keygen`` prints it.
    roles
        "propose" (and reject, and go back), "approve" (and reject) of models; "override" and "override_approve" of a
        single enterprise's class, either of which may end one early; "confirm" of a report (H12.4). One may have
        several and still never sign twice.
    valid_from, valid_until
        First day of the key, and the first day it is no longer good; a lost key gets the day of its loss.
    """

    name: str = Field(min_length=1)
    name_zh: str = Field(min_length=1)
    public_key: str
    roles: tuple[Role, ...] = Field(min_length=1)
    valid_from: date
    valid_until: date

    @field_validator("name")
    @classmethod
    def _latin(cls, name: str) -> str:
        if not all(c.isascii() and (c.isalnum() or c in " '-.") for c in name) or not skeleton(name):
            raise ValueError(
                f"{name!a}: a name is written in Latin letters (a to z), digits, space, ' - and . alone: "
                "letters of other scripts look the same and are not"
            )
        return name

    @field_validator("name_zh")
    @classmethod
    def _chinese(cls, name: str) -> str:
        if not all(_han(c) or c == "·" for c in name) or not skeleton(name):
            raise ValueError(f"{name!a}: the Chinese name is written in Chinese characters and · alone")
        return name

    @field_validator("public_key")
    @classmethod
    def _key(cls, text: str) -> str:
        public_bytes(text)
        return text

    @model_validator(mode="after")
    def _some_days(self) -> Signer:
        if self.valid_from >= self.valid_until:
            raise WrongKey(f"{self.name}: valid_until must be later than valid_from", "valid_until")
        return self

    @classmethod
    def drafted(cls, name: str, name_zh: str, roles: Sequence[str], valid_from: date, valid_until: date) -> Signer:
        """Return a signer whose key is still to be made, so that names and roles are checked first.

        Raises
        ------
        ApprovalError
            If one of them can't stand in a list.
        """
        given = {"name": name, "name_zh": name_zh, "roles": tuple(roles)}
        try:
            return cls.model_validate(
                {**given, "public_key": NO_KEY, "valid_from": valid_from, "valid_until": valid_until}
            )
        except ValidationError as err:
            lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in err.errors()]
            raise ApprovalError("this signer can't be listed:\n" + "\n".join(lines)) from err

    @property
    def shown(self) -> str:
        """Both names, as the record holds them."""
        return f"{self.name} {self.name_zh}"

    def is_person(self, other: Signer) -> bool:
        """Tell whether two keys belong to one person, as far as a list can say: the same key, or either name alike."""
        return (
            self.public_key == other.public_key
            or skeleton(self.name) == skeleton(other.name)
            or skeleton(self.name_zh) == skeleton(other.name_zh)
        )


class _File(Policy):
    """``signers.toml``."""

    signers: tuple[Signer, ...] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> _File:
        for (_, a), (at, b) in combinations(enumerate(self.signers), 2):
            if a.public_key == b.public_key:
                same = f"{a.shown} and {b.shown} have the same public key: a key is one person's"
                raise WrongKey(same, "signers", at)
            if a.is_person(b) and (a.name, a.name_zh) != (b.name, b.name_zh):
                raise WrongKey(
                    f"{a.shown} and {b.shown} can't be told apart; name one person alike everywhere, and of two "
                    "persons of one name, one differently (such as with a number) in both scripts",
                    "signers",
                    at,
                )
        return self


@dataclass(frozen=True)
class Signers:
    """The list in force.

    Parameters
    ----------
    path
        Its file.
    hash
        SHA-256 of the file's bytes; every entry of the record binds it.
    people
        Its entries.
    """

    path: Path
    hash: str
    people: tuple[Signer, ...]

    def of_key(self, public: str) -> Signer:
        """Return whose key it is.

        Raises
        ------
        ApprovalError
            If the list doesn't have it.
        """
        for signer in self.people:
            if signer.public_key == public:
                return signer
        there = ", ".join(s.shown for s in self.people) or "nobody; see `fenlei keygen`"
        raise ApprovalError(
            f"the key {public[:12]}… is not in {self.path}; listed: {there}", "a key is not in the list of signers"
        )


def lines(signer: Signer) -> str:
    """Return a signer as the lines of ``signers.toml``."""
    roles = ", ".join(f'"{role}"' for role in signer.roles)
    return (
        f'[[signers]]\nname = "{signer.name}"\nname_zh = "{signer.name_zh}"\npublic_key = "{signer.public_key}"\n'
        f"roles = [{roles}]\nvalid_from = {signer.valid_from}\nvalid_until = {signer.valid_until}"
    )


def signers_path(store: Store, province: str) -> Path:
    """Return the file of a province's list.

    A province without one has no signers: those of the province whose other policies it takes are not its own.
    """
    homes = [root / province for root in policy_roots() if (root / province).is_dir()]
    return store.signers or (homes[0] if homes else policy_root() / province) / f"{FILE}.toml"


def load_signers(store: Store, province: str) -> Signers:
    """Read a province's list.

    Raises
    ------
    ConfigError
        If the file is missing or wrong; the message names the file and what was expected.
    """
    path = signers_path(store, province)
    people = load_toml(path, _File).signers
    return Signers(path, hashlib.sha256(path.read_bytes()).hexdigest(), people)
