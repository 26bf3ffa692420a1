"""The faces of the packages: what users import, each with an example that is true."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from helpers import small_model as small
from helpers.root import ROOT
from models.tracking.store import Store

FACES = ("features", "models", "serving")
NAMES = [(face, name) for face in FACES for name in importlib.import_module(face).__all__ if name != "CATALOGUE"]


@pytest.mark.parametrize(("face", "name"), NAMES)
def test_every_exported_name_has_an_example_that_is_true(
    face: str, name: str, small_province: Path, small_clean: Path, empty_store: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    thing = getattr(importlib.import_module(face), name)
    names = {n: getattr(importlib.import_module(f), n) for f in FACES for n in importlib.import_module(f).__all__}
    frame, truth = small.rows(60, 4)
    given = names | {
        "clean": small_clean,
        "source": small_province,
        "out": tmp_path,
        "frame": frame,
        "model": small.model(),
        "X": frame[list(small.NAMES)],
        "y": (np.arange(len(truth)) % 3 == 0).astype(int),
        "study": ROOT / "experiments" / "demo.toml",
        "store": Store.in_folder(empty_store.parent),
        "date": date,
        "Path": Path,
    }
    found = doctest.DocTestParser().get_doctest(thing.__doc__ or "", given, f"{face}.{name}", None, 0)
    assert found.examples, f"{face}.{name} has no example"
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(found, out=said.append)
    assert failed == 0, "".join(said)


@pytest.mark.parametrize("face", FACES)
def test_a_face_alone_loads_none_of_the_heavy_libraries(face: str) -> None:
    code = f"import {face}, sys; sys.exit(any(m in sys.modules for m in ('mlflow', 'lightgbm', 'bentoml', 'pyspark')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "src")


def test_a_name_that_a_face_lacks_is_said() -> None:
    with pytest.raises(AttributeError, match="module 'models' has no attribute 'clasify_frame'"):
        getattr(importlib.import_module("models"), "clasify_frame".lower())
