"""Verdicts that the gate reads in a run's ``evaluation.json``: band contract and drift, and by which policies.

The file is written by the evaluation and holds much more; keys that are not named here are left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from models.evaluation.verdicts import Verdict
from models.signoff.errors import ApprovalError

MOST = 5
"""Checks named in a judgement's line; the report has them all."""


_Read = Annotated[Verdict, BeforeValidator(lambda v: v.replace("_", " ") if isinstance(v, str) else v)]


class _Check(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    check: str = ""
    subject: str = ""
    attribute: str = ""
    verdict: _Read
    text: str = ""


class Judged(BaseModel):
    """One judgement.

    Parameters
    ----------
    verdict
        "pass", "fail" or "cannot tell".
    reasons
        Sentences, where the evaluation gives them.
    checks
        What it rests on, each with a verdict and a text.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    verdict: _Read
    reasons: tuple[str, ...] = ()
    checks: tuple[_Check, ...] = ()

    @property
    def why(self) -> str:
        """The reasons and the first `MOST` checks that did not pass, in one line; empty where nothing is said."""
        rest = [c.text for c in self.checks if c.verdict == self.verdict != "pass" and c.text]
        more = [f"and {len(rest) - MOST} more"] if len(rest) > MOST else []
        return "; ".join([*self.reasons, *rest[:MOST], *more])


class EvaluationFile(BaseModel):
    """Verdicts of a run's evaluation, None where it did not judge; ``policies``: file of `JUDGED_BY` to its hash."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    band_contract: Judged | None = None
    drift: Judged | None = None
    policies: dict[str, str] = {}


def read_evaluation(path: Path) -> EvaluationFile:
    """Read the verdicts.

    Raises
    ------
    ApprovalError
        If the file is no JSON or a verdict is none of the three; the message names the key.
    """
    try:
        return EvaluationFile.model_validate_json(path.read_bytes())
    except ValidationError as err:
        lines = [f"  {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in err.errors()]
        raise ApprovalError(f"{path.name} can't be read:\n" + "\n".join(lines)) from err
