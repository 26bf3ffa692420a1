"""Artifacts of a run: their names, and hashes of a bundle and of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

FOLDER = "inputs"
"""Artifact path of the folder in the run."""


EVALUATION = "evaluation.json"
"""Artifact of the run with the verdicts on band contract and drift (`models.signoff.evaluation_file`)."""


FROZEN = "frozen.json"
"""Artifact of the run with the distributions that later months are compared with (`models.review.monitor`)."""


BESIDE = {"evaluation_hash": EVALUATION, "frozen_hash": FROZEN}
"""Hashes registered of single files among the run's artifacts."""


def bundle_hash(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files of a model bundle."""
    digest = hashlib.sha256()
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    if not files:
        raise FileNotFoundError(f"{folder} holds no model files")
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 over the bytes of one file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
