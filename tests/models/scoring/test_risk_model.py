from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from helpers import small_model as small
from models.errors import ModelError, ModelFileError, ModelInputError
from models.scoring.interval import Uncertainty
from models.scoring.risk_model import RiskModel, assemble


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return small.model()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return small.rows(500, 9)[0]


def test_saved_and_loaded_it_is_the_same_model_to_the_last_bit(
    model: RiskModel, frame: pd.DataFrame, tmp_path: Path
) -> None:
    saved = model.save(tmp_path / "m")
    again = RiskModel.load(tmp_path / "m")
    assert again == model
    assert again.content_hash == model.content_hash == saved
    x = model.matrix(frame)
    margin = model.margin(x)
    assert (again.margin(x) == margin).all()
    assert (again.score(margin) == model.score(margin)).all()
    assert (again.probability(margin) == model.probability(margin)).all()
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["booster.txt", "bundle.json"]


def test_saving_twice_writes_the_same_bytes(model: RiskModel, tmp_path: Path) -> None:
    for name in ("a", "b"):
        model.save(tmp_path / name)
    for file in ("booster.txt", "bundle.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def edit_booster(folder: Path) -> None:
    path = folder / "booster.txt"
    text = path.read_text(encoding="utf-8")
    at = text.index("leaf_value=") + len("leaf_value=")
    path.write_text(text[:at] + ("-" if text[at] != "-" else "") + text[at:].lstrip("-"), encoding="utf-8")


def edit_bundle(folder: Path) -> None:
    path = folder / "bundle.json"
    bundle = json.loads(path.read_text(encoding="utf-8"))
    bundle["model"]["bands"]["rates"] = [0.01, 0.02, 0.03]
    path.write_text(json.dumps(bundle), encoding="utf-8")


def edit_recorded_hash(folder: Path) -> None:
    path = folder / "bundle.json"
    bundle = json.loads(path.read_text(encoding="utf-8"))
    bundle["content_hash"] = "0" * 64
    path.write_text(json.dumps(bundle), encoding="utf-8")


@pytest.mark.parametrize("edit", [edit_booster, edit_bundle, edit_recorded_hash])
def test_a_changed_file_is_refused(model: RiskModel, tmp_path: Path, edit: Callable[[Path], None]) -> None:
    model.save(tmp_path)
    RiskModel.load(tmp_path)
    edit(tmp_path)
    with pytest.raises(ModelFileError, match="changed since it was saved"):
        RiskModel.load(tmp_path)


def test_every_field_is_in_the_hash(model: RiskModel) -> None:
    linear = model.linear
    assert linear is not None
    changes: dict[str, object] = {
        "nullable": ("years_operating",), "province": "henan", "catalogue_hash": "x", "policy_hash": "x",
        "arm": "x", "about": {},
        "directions": (0, 0, 0, 0, 0), "families": ("basic",) * 5, "booster_text": model.booster_text + " ",
        "indicator_names": ("registered_capital", "b", "c", "d", "e"),
        "calibrator": model.calibrator.model_copy(update={"intercept": 1.0}),
        "score_map": model.score_map.model_copy(update={"unreachable": ("D",)}),
        "bands": model.bands.model_copy(update={"closed": "left"}),
        "uncertainty": Uncertainty(level=0.9, visits=9, enterprises=9, margins=(0, 1), low=(0, 1), high=(1, 2)),
        "linear": linear.model_copy(update={"intercept": linear.intercept + 1}), "tree_share": 0.25,
    }  # fmt: skip
    assert set(changes) == set(RiskModel.model_fields)
    for name, value in changes.items():
        other = model.model_copy(update={name: value})
        assert other.content_hash != model.content_hash, name


def of_trees_alone(model: RiskModel) -> RiskModel:
    """The model as all were before there was a linear part."""
    return model.model_copy(update={"linear": None, "tree_share": 1.0})


def test_a_model_of_before_there_was_a_linear_part_keeps_its_hash_and_loads(model: RiskModel, tmp_path: Path) -> None:
    before = of_trees_alone(model)
    digest = before.save(tmp_path)
    path = tmp_path / "bundle.json"
    bundle = json.loads(path.read_text(encoding="utf-8"))
    # As it was written then, and its hash as it was computed then: over these fields and the booster's text.
    payload = before.model_dump(mode="json", exclude={"booster_text", "linear", "tree_share"})
    assert bundle["model"] == payload
    canonical = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    both = [hashlib.sha256(text.encode()).hexdigest() for text in (canonical, before.booster_text)]
    assert digest == hashlib.sha256("".join(both).encode()).hexdigest()
    path.write_text(json.dumps(bundle | {"format": 1}), encoding="utf-8")
    again = RiskModel.load(tmp_path)
    assert again == before
    assert again.content_hash == digest
    x = model.matrix(small.rows(50, 9)[0])
    assert (again.margin(x) == model.booster.predict(x, raw_score=True)).all()
    assert again.contributions(x) == pytest.approx(model.booster.predict(x, pred_contrib=True))


@pytest.mark.parametrize("change", [{"linear": None}, {"tree_share": 1.0}])
def test_a_linear_part_and_its_share_belong_together(model: RiskModel, change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        model.model_copy(update=change)


def test_the_margin_is_the_parts_mean_by_their_share(model: RiskModel, frame: pd.DataFrame) -> None:
    assert model.linear is not None
    x = model.matrix(frame)
    linear, trees = model.linear.margin(x), model.booster.predict(x, raw_score=True)
    for share in (0.0, 0.25, 0.5):
        found = model.model_copy(update={"tree_share": share}).margin(x)
        np.testing.assert_allclose(found, (1 - share) * linear + share * trees, rtol=0, atol=1e-12)
    assert np.abs(linear - trees).max() > 0.1


def test_a_copy_has_its_own_hash_and_booster(model: RiskModel) -> None:
    assert model.booster.num_trees() > 1
    first = model.booster.model_to_string(num_iteration=1)
    copy = model.model_copy(update={"booster_text": first})
    assert copy.content_hash != model.content_hash
    assert copy.booster.num_trees() == 1


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("booster.txt", None), ("bundle.json", None), ("bundle.json", b""), ("bundle.json", b"[1]"),
        ("bundle.json", b'{"format": 99}'), ("booster.txt", b"\xff\xfe"), ("bundle.json", b'{"format": 1}'),
    ],
)  # fmt: skip
def test_a_broken_folder_is_told_from_a_changed_one(
    model: RiskModel, tmp_path: Path, file: str, content: bytes | None
) -> None:
    model.save(tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelFileError):
        RiskModel.load(tmp_path)


@pytest.mark.parametrize("cut", [0, 100, 3_000, -30_000])
def test_a_booster_that_is_torn_is_said_and_does_not_kill_the_process(model: RiskModel, cut: int) -> None:
    # LightGBM aborts the whole process on some of these texts, with nothing to catch.
    torn = model.model_copy(update={"booster_text": model.booster_text[:cut] + "\nend of trees\n"})
    with pytest.raises(ModelFileError, match="can't be read"):
        torn.margin(np.zeros((1, 5)))
    gone = model.booster_text.replace("Tree=1\n", "", 1)
    with pytest.raises(ModelFileError, match="can't be read"):
        model.model_copy(update={"booster_text": gone}).margin(np.zeros((1, 5)))


def test_a_booster_of_another_width_is_refused(model: RiskModel) -> None:
    narrow = {"indicator_names": ("a",), "families": ("basic",), "directions": (0,), "nullable": ()}
    with pytest.raises(ValidationError, match="linear: one coefficient per indicator"):
        model.model_copy(update=narrow)
    other = of_trees_alone(model).model_copy(update=narrow)
    with pytest.raises(ModelFileError, match="5 columns, the bundle 1"):
        other.margin(np.zeros((1, 1)))


def test_contributions_sum_to_the_margin_and_share_one_base(model: RiskModel, frame: pd.DataFrame) -> None:
    x = model.matrix(frame)
    parts = model.contributions(x)
    np.testing.assert_allclose(parts.sum(axis=1), model.margin(x), atol=1e-9)
    assert (parts[:, -1] == model.base_margin).all()


def test_a_row_contributes_the_same_bits_alone_and_among_thousands(model: RiskModel) -> None:
    x = model.matrix(small.rows(5_000, 4)[0])
    many = model.contributions(x)
    assert (model.contributions(x[2_040:2_060]) == many[2_040:2_060]).all()
    assert all((model.contributions(x[i : i + 1]) == many[i]).all() for i in range(20))


def test_contributions_come_in_blocks_as_they_come_at_once(model: RiskModel) -> None:
    x = model.matrix(small.rows(900, 4)[0])
    blocks: list[NDArray[np.floating[Any]]] = [x[:400], x[400:400], x[400:].astype(np.float32)]
    found = list(model.contribution_blocks(iter(blocks)))
    assert [len(block) for block in found] == [400, 0, 500]
    assert (found[0] == model.contributions(x)[:400]).all()
    assert (found[2] == model.contributions(x[400:].astype(np.float32).astype(np.float64))).all()


def test_one_row_and_many_give_the_same_numbers(model: RiskModel) -> None:
    x = model.matrix(small.rows(2_000, 4)[0])
    many = model.margin(x)
    assert [float(model.margin(x[i : i + 1])[0]) for i in range(20)] == many[:20].tolist()


def test_columns_are_taken_by_name_not_by_place(model: RiskModel, frame: pd.DataFrame) -> None:
    turned = frame[frame.columns[::-1]].assign(extra=1.0)
    assert np.array_equal(model.matrix(turned), model.matrix(frame), equal_nan=True)


def test_missing_columns_are_named(model: RiskModel, frame: pd.DataFrame) -> None:
    with pytest.raises(ModelInputError, match="missing from the rows: years_operating, complaints_1y"):
        model.matrix(frame.drop(columns=["complaints_1y", "years_operating"]))


def test_an_unknown_value_is_refused_where_the_model_never_saw_one(model: RiskModel, frame: pd.DataFrame) -> None:
    assert np.isnan(model.matrix(frame)[:, 0]).any(), "capital was sometimes unknown when it learned"
    gap = frame.copy()
    gap.iloc[:3, list(gap.columns).index("penalties_3y")] = np.nan
    with pytest.raises(ModelInputError, match=r"penalties_3y \(3 of 500 rows\)"):
        model.matrix(gap)
    with pytest.raises(ModelInputError, match=r"registered_capital \(500 of 500 rows\)"):
        model.matrix(frame.assign(registered_capital=np.inf))


def test_words_are_no_numbers(model: RiskModel, frame: pd.DataFrame) -> None:
    with pytest.raises(ModelInputError, match="must hold numbers"):
        model.matrix(frame.assign(penalties_3y="many"))


def test_an_array_of_another_width_is_refused(model: RiskModel) -> None:
    with pytest.raises(ModelInputError, match="5 columns"):
        model.margin(np.zeros((2, 4)))


def test_every_margin_falls_strictly_inside_the_scale(model: RiskModel, frame: pd.DataFrame) -> None:
    score = model.score(model.margin(model.matrix(frame)))
    assert ((score > 0) & (score < 1000)).all()
    assert model.grade(200.0) == "A"
    assert model.grades([200.0, 200.1, 750.0, 750.1]) == ["A", "B", "C", "D"]


def test_what_does_not_fit_together_is_refused(model: RiskModel) -> None:
    with pytest.raises(ValidationError, match="twice"):
        model.model_copy(update={"indicator_names": ("a",) * 5})
    with pytest.raises(ValidationError, match="one entry per indicator"):
        model.model_copy(update={"families": ("basic",)})
    with pytest.raises(ModelError, match="no family or direction given for: years_operating"):
        assemble(
            **{
                **{n: getattr(model, n) for n in ("booster_text", "calibrator", "bands", "province", "arm")},
                "indicator_names": small.NAMES,
                "families": {n: "basic" for n in small.NAMES if n != "years_operating"},
                "directions": small.DIRECTIONS,
                "reference": np.linspace(-3, 1, 50),
                "nullable": (),
                "catalogue_hash": "",
                "policy_hash": "",
            }
        )


def test_no_rows_are_explained_as_no_rows() -> None:
    model = small.model()
    explained = model.explain(np.empty((0, len(model.indicator_names))))
    assert (explained.margin.shape, explained.contributions.shape) == ((0,), (0, len(model.indicator_names)))
