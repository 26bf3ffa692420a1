"""The model as it is signed: booster, calibrator, score map and everything they rest on, in one folder.

``booster.txt`` is LightGBM's own text, ``bundle.json`` the rest. The content hash covers both and is the
model's version: a byte changed in either file and loading refuses it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.given import PathLike, as_path
from models.arrays import Bools, Floats
from models.errors import ModelError, ModelFileError, ModelInputError
from models.scoring.bands import BandPolicy, ScoreMap, attainable_margins, freeze_score_map
from models.scoring.calibrators import Calibrator
from models.scoring.classification import GRADES, Grade
from models.scoring.interval import Uncertainty
from models.scoring.linear import Linear, blend, blended_parts
from models.scoring.shap.explain import TreeShap

FORMAT = 2
"""Of the folder. A later format must still read this one; 1 was written before models had a linear part."""
_READ = (1, 2)


_BOOSTER = "booster.txt"
_BUNDLE = "bundle.json"
_ONE_THREAD = 256


@dataclass(frozen=True)
class Explained:
    """Rows as a model read them, with their margins and contributions.

    Parameters
    ----------
    values
        The model's indicators, float64 [n, k]; NaN is unknown.
    margin
        Raw margins, log-odds [n].
    contributions
        What each indicator adds to the base margin, log-odds [n, k].
    """

    values: Floats
    margin: Floats
    contributions: Floats

    def take(self, rows: Bools) -> Explained:
        """Return the rows of a mask."""
        return Explained(self.values[rows], self.margin[rows], self.contributions[rows])


class RiskModel(BaseModel):
    """A fitted, calibrated, banded model, frozen.

    Parameters
    ----------
    indicator_names
        Its columns, in the booster's order.
    families, directions
        Family and monotone direction (-1, 0, 1) of each column at the time of the fit.
    nullable
        The columns that were sometimes unknown when it learned; elsewhere it has no idea what unknown means.
    booster_text
        LightGBM's text.
    linear
        The linear part; None in a model of trees alone.
    tree_share
        Weight of the trees in the margin.
    calibrator, score_map, bands
        Margin to probability; margin to score; the province's bands frozen at sign-off.
    uncertainty
        Interval of the mean risk along the margin; None where it was not made.
    province, catalogue_hash, policy_hash
        What it was made under.
    arm
        The sentence on what its probability is measured on: the random arm, or what stands in for it.
    about
        Anything more that a reader may want: dates of the segments, data hash, parameters.

    Examples
    --------
    With ``frame`` indicators and ``model`` a model:

    >>> explained = model.explain(model.matrix(frame.head(2)))
    >>> explained.contributions.shape == (2, len(model.indicator_names))
    True
    >>> model.grade(900.0)
    'D'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    indicator_names: tuple[str, ...] = Field(min_length=1)
    families: tuple[str, ...]
    directions: tuple[int, ...]
    nullable: tuple[str, ...] = ()
    booster_text: str
    linear: Linear | None = None
    tree_share: float = Field(default=1.0, ge=0, le=1)
    calibrator: Calibrator
    score_map: ScoreMap
    bands: BandPolicy
    uncertainty: Uncertainty | None = None
    province: str
    catalogue_hash: str
    policy_hash: str
    arm: str
    about: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> RiskModel:
        names = self.indicator_names
        if len(set(names)) < len(names):
            raise ValueError("indicator_names: a name is given twice")
        if not len(names) == len(self.families) == len(self.directions):
            raise ValueError("families and directions: one entry per indicator")
        if set(self.nullable) - set(names):
            raise ValueError("nullable names unknown indicators")
        if (self.linear is None) != (self.tree_share == 1.0):
            raise ValueError("a linear part and a tree_share below 1 belong together")
        if self.linear is not None and len(self.linear.coefficients) != len(names):
            raise ValueError("linear: one coefficient per indicator")
        return self

    @cached_property
    def booster(self) -> lgb.Booster:
        """The booster, read once.

        Raises
        ------
        ModelFileError
            If the text is no booster or has another number of columns.
        """
        if not _whole(self.booster_text):
            raise ModelFileError("the booster's text can't be read: it is cut off or its trees were changed")
        try:
            booster = lgb.Booster(model_str=self.booster_text)
        except lgb.basic.LightGBMError as err:
            raise ModelFileError(f"the booster's text can't be read: {err}") from err
        if booster.num_feature() != len(self.indicator_names):
            raise ModelFileError(
                f"the booster has {booster.num_feature()} columns, the bundle {len(self.indicator_names)}"
            )
        return booster

    @cached_property
    def _shap(self) -> TreeShap:
        """The tables that contributions are read from, built once."""
        _ = self.booster  # says it if the text is none
        return TreeShap(self.booster_text)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over everything in the model."""
        return _content_hash(self._payload(), self.booster_text)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> RiskModel:
        """Return a copy with other fields, checked anew: pydantic's would keep the old booster and hash."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **(update or {})})

    @property
    def version(self) -> str:
        """The first 12 digits of the content hash."""
        return self.content_hash[:12]

    @cached_property
    def base_margin(self) -> float:
        """Margin that the contributions start from: the booster's expected value."""
        zero = np.zeros((1, len(self.indicator_names)), dtype=np.float64)
        return float(self.contributions(zero)[0, -1])

    @cached_property
    def base_score(self) -> float:
        """Score of the base margin, not rounded."""
        return float(self.score(self.base_margin))

    @cached_property
    def base_slope(self) -> float:
        """Points per unit of margin at the base margin."""
        return float(self.score_map.slope(self.base_margin))

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """Return the model's columns of a frame as a float64 array of shape (n, k), in the model's order.

        Raises
        ------
        ModelInputError
            If columns are absent, are no numbers, are infinite, or are unknown (NaN) where the model never
            saw an unknown value; the message names the columns and how many rows.
        """
        values = self.read(frame)
        bad = self.unusable(values)
        if bad.any():
            named = [
                f"{name} ({int(count)} of {len(values)} rows)"
                for name, count in zip(self.indicator_names, bad.sum(axis=0), strict=True)
                if count
            ]
            raise ModelInputError(
                "the model learned from known values only, but these are unknown or infinite: " + ", ".join(named)
            )
        return values

    def read(self, frame: pd.DataFrame) -> Floats:
        """Return the model's columns as `matrix` does, without looking for values it can't use.

        Raises
        ------
        ModelInputError
            If columns are absent or are no numbers.
        """
        absent = [name for name in self.indicator_names if name not in frame.columns]
        if absent:
            raise ModelInputError(f"indicator columns missing from the rows: {', '.join(absent)}")
        try:
            values = frame[list(self.indicator_names)].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as err:
            raise ModelInputError(f"indicator columns must hold numbers: {err}") from err
        return np.ascontiguousarray(values)

    def unusable(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which cells of an array of shape (n, k) the model can't read: infinite, or NaN unlearned."""
        nullable = np.isin(self.indicator_names, self.nullable)
        return np.isinf(values) | (np.isnan(values) & ~nullable)

    def margin(self, X: Floats) -> Floats:
        """Return the raw margin of each row of a float64 array of shape (n, k)."""
        rows = self._rows(X)
        if not len(rows):
            return np.empty(0)
        trees = np.asarray(self.booster.predict(rows, raw_score=True, num_threads=_threads(rows)), dtype=np.float64)
        return trees if self.linear is None else blend(self.linear.margin(rows), trees, self.tree_share)

    def probability(self, margin: ArrayLike) -> Floats:
        """Return the calibrated probability of each margin."""
        return self.calibrator.probability(margin)

    def interval(self, margin: ArrayLike) -> tuple[Floats, Floats] | None:
        """Return lower and upper end of the mean risk of enterprises with each margin; None where not known."""
        return None if self.uncertainty is None else self.uncertainty.interval(margin, self.calibrator.log_odds(margin))

    def score(self, margin: ArrayLike) -> Floats:
        """Return the score of each margin, 0 to 1000, not rounded."""
        return self.score_map.score(margin)

    def grade(self, score: float) -> Grade:
        """Return the class of a published score, before direct determinations."""
        return self.bands.grade(score)

    def grades(self, score: ArrayLike) -> list[Grade]:
        """Return the classes of published scores, shape (n,)."""
        return [GRADES[i] for i in self.bands.grade_index(score)]

    def explain(self, X: Floats) -> Explained:
        """Return margins of rows of shape (n, k) and what each indicator adds to them: the one door to contributions.

        Returns
        -------
        Explained
            Of the n rows; a row's contributions sum to its margin less `base_margin`.
        """
        return Explained(X, self.margin(X), self.contributions(X)[:, :-1])

    def contributions(self, X: Floats) -> Floats:
        """Return contributions of shape (n, k + 1); the last column is the base; rows sum to the margin."""
        linear, share = self.linear, self.tree_share
        if linear is None:
            return self._shap.contributions(self._rows(X))
        return self._shap.contributions(self._rows(X), lambda rows, trees: blended_parts(linear, rows, trees, share))

    def contribution_blocks(self, blocks: Iterable[NDArray[np.floating[Any]]]) -> Iterator[Floats]:
        """Yield the contributions of blocks of rows, as `contributions` gives them: no more than one block is held.

        Parameters
        ----------
        blocks
            Rows of shape (n, k), float64 or float32; 100,000 at a time are as fast as all at once.
        """
        for block in blocks:
            yield self.contributions(np.asarray(block, dtype=np.float64))

    def save(self, folder: PathLike) -> str:
        """Write the model into a folder (made if need be) and return its content hash."""
        folder = as_path(folder, "folder of a model")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _BOOSTER).write_text(self.booster_text, encoding="utf-8", newline="")
        bundle = {"format": FORMAT, "content_hash": self.content_hash, "model": self._payload()}
        text = json.dumps(bundle, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / _BUNDLE).write_text(text + "\n", encoding="utf-8", newline="")
        return self.content_hash

    @classmethod
    def load(cls, folder: PathLike) -> RiskModel:
        """Read a saved model.

        Parameters
        ----------
        folder : path
            Its own hash only guards against accidents: what was signed is held by `models.signoff.approval`.

        Raises
        ------
        ModelFileError
            If a file is missing or unreadable or has changed since it was saved.
        """
        folder = as_path(folder, "folder of a model")
        try:
            text = (folder / _BOOSTER).read_bytes().decode("utf-8")
            bundle = json.loads((folder / _BUNDLE).read_bytes())
        except (OSError, ValueError) as err:
            raise ModelFileError(f"{folder} holds no readable model: {err}") from err
        if not isinstance(bundle, dict) or bundle.get("format") not in _READ:
            raise ModelFileError(f"{folder / _BUNDLE} is not a model of format {FORMAT}")
        payload: Any = bundle.get("model")
        saved = bundle.get("content_hash")
        found = _content_hash(payload, text)
        if found != saved:
            raise ModelFileError(
                f"{folder} has changed since it was saved: its content hash is {found}, recorded {saved}"
            )
        try:
            return cls.model_validate({**payload, "booster_text": text})
        except (TypeError, ValidationError) as err:
            raise ModelFileError(f"{folder / _BUNDLE} is not a valid model: {err}") from err

    def _payload(self) -> dict[str, Any]:
        # Without a linear part a model is written, and hashed, as before there was one.
        alone = {"linear", "tree_share"} if self.linear is None else set()
        return self.model_dump(mode="json", exclude={"booster_text", *alone})

    def _rows(self, X: Floats) -> Floats:
        rows = np.ascontiguousarray(X, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.indicator_names):
            raise ModelInputError(
                f"the model reads rows of {len(self.indicator_names)} columns, got shape {rows.shape}"
            )
        return rows


def assemble(
    *,
    booster_text: str,
    calibrator: Calibrator,
    bands: BandPolicy,
    reference: Floats,
    indicator_names: Sequence[str],
    families: Mapping[str, str],
    directions: Mapping[str, int],
    nullable: Sequence[str],
    province: str,
    catalogue_hash: str,
    policy_hash: str,
    arm: str,
    linear: Linear | None = None,
    tree_share: float = 1.0,
    weight: ArrayLike | None = None,
    uncertainty: Uncertainty | None = None,
    about: Mapping[str, Any] | None = None,
) -> RiskModel:
    """Freeze the score map on a reference population and put the model together.

    Parameters
    ----------
    reference : ndarray of shape (n,)
        Margins of the population at sign-off.
    weight : array-like of shape (n,), optional
        Weights of the reference rows.
    families, directions
        By indicator name.
    nullable
        Columns that held NaN where the booster learned.
    linear, tree_share
        The linear part and the weight of the trees; none, and 1, for a model of trees alone.

    Raises
    ------
    ModelError
        If the score map can't be made; see `bands.freeze_score_map`.
    """
    lost = [name for name in indicator_names if name not in families or name not in directions]
    if lost:
        raise ModelError(f"no family or direction given for: {', '.join(lost)}")
    reach = attainable_margins(booster_text)
    if linear is not None:
        own = linear.bounds()
        reach = ((1 - tree_share) * own[0] + tree_share * reach[0], (1 - tree_share) * own[1] + tree_share * reach[1])
    score_map = freeze_score_map(bands, reference, reach, calibrator, weight)
    return RiskModel(
        indicator_names=tuple(indicator_names),
        families=tuple(families[name] for name in indicator_names),
        directions=tuple(directions[name] for name in indicator_names),
        nullable=tuple(name for name in indicator_names if name in set(nullable)),
        booster_text=booster_text,
        linear=linear,
        tree_share=tree_share,
        calibrator=calibrator,
        score_map=score_map,
        bands=bands,
        uncertainty=uncertainty,
        province=province,
        catalogue_hash=catalogue_hash,
        policy_hash=policy_hash,
        arm=arm,
        about=dict(about or {}),
    )


def _content_hash(payload: Any, booster_text: str) -> str:
    canonical = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    parts = [hashlib.sha256(part.encode()).hexdigest() for part in (canonical, booster_text)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _whole(booster_text: str) -> bool:
    """Tell whether the trees are as long as the text says: LightGBM 4.7 aborts the process when not."""
    sizes = re.search(r"^tree_sizes=([\d ]*)$", booster_text, flags=re.MULTILINE)
    start, end = booster_text.find("\nTree=0\n"), booster_text.find("end of trees")
    if sizes is None or not 0 <= start < end:
        return False
    return sum(map(int, sizes[1].split())) == len(booster_text[start + 1 : end].encode())


def _threads(rows: Floats) -> int:
    """One thread for a request, all for a batch: starting threads costs more than a few rows do."""
    return 1 if len(rows) <= _ONE_THREAD else 0
