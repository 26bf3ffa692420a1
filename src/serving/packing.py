"""Packing of the service as a bento: code, policies, the signed version and its record, in one folder.

``bentoml serve FOLDER`` serves it, with no MLflow; its container file is generated with it (``env/docker``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from features.errors import FenleiError
from features.places import check_output
from features.policy import own_policies, policy_root
from models.signoff import confirmations, export, overrides
from models.signoff.record.entries import record_path
from models.signoff.record.signers import signers_path
from serving.settings import Settings

PACKAGES = ("features", "models", "serving")

SERVICE = '''"""The service of this bento: what it answers from stands beside this file; a variable that is set wins."""

import os
from pathlib import Path

HERE = Path(__file__).parent
for name, value in {{
    "FENLEI_PROVINCE": "{province}",
    "FENLEI_RECORDS": str(HERE / "records"),
    "FENLEI_SIGNERS": str(HERE / "records" / "signers.toml"),
}}.items():
    os.environ.setdefault(name, value)

from serving.service import Fenlei  # noqa: E402

__all__ = ["Fenlei"]
'''


class PackingError(FenleiError):
    """The service can't be packed."""


def pack(settings: Settings, out: Path) -> Path:
    """Build a bento and leave it in a folder.

    Parameters
    ----------
    settings
        Whose province, and where its approval record is.
    out
        Folder to make; it must not be there yet.

    Returns
    -------
    pathlib.Path
        The folder: ``bentoml serve`` takes it. Tokens, tables and ledgers are not in it: those who run it name them.

    Raises
    ------
    PackingError
        If nothing is approved for the province, or the folder is there.
    ApprovalError
        If the record or the approved version's files are not as they were signed.
    """
    check_output(out)
    if out.exists():
        raise PackingError(f"{out} is there already; name a folder that is not")
    store = settings.store
    found = export.in_use_without_registry(store, settings.province)
    if found is None:
        raise PackingError(f"no model is approved for {settings.province}: there is nothing to pack")
    with tempfile.TemporaryDirectory() as scratch:
        context, home = Path(scratch) / "context", Path(scratch) / "home"
        records = context / "records"
        records.mkdir(parents=True)
        root = Path(__file__).parents[1]
        for package in PACKAGES:
            shutil.copytree(root / package, context / package, ignore=shutil.ignore_patterns("__pycache__"))
        policies = context / "features" / "_policies"
        for folder in (policy_root(), own_policies()):
            if folder is not None and folder.resolve() != policies:
                shutil.copytree(folder, policies, dirs_exist_ok=True)
        for path in (record_path(store), overrides.record_path(store), confirmations.record_path(store)):
            if path.is_file():
                shutil.copy(path, records / path.name)
        shutil.copytree(store.records / export.FOLDER, records / export.FOLDER)
        shutil.copy(signers_path(store, settings.province), records / "signers.toml")
        (context / "service.py").write_text(SERVICE.format(province=settings.province), encoding="utf-8")
        said = {
            "service": "service:Fenlei",
            "name": "fenlei",
            "include": ["service.py", "records/**", *(f"{package}/**" for package in PACKAGES)],
            "python": {"packages": requirements(), "lock_packages": False},
        }
        # JSON is YAML.
        (context / "bentofile.yaml").write_text(json.dumps(said, indent=1), encoding="utf-8")
        shutil.copytree(_built(context, home, found.approval.model_hash[:16]), out)
    return out


def _built(context: Path, home: Path, version: str) -> Path:
    """Run ``bentoml build`` with a home of its own, and return the bento's folder."""
    run = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--version", version, str(context)],
        env={**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "PYTHONPATH": str(context)},
        cwd=context,
        capture_output=True,
        text=True,
        check=False,
    )
    folder = home / "bentos" / "fenlei" / version
    if run.returncode or not folder.is_dir():
        raise PackingError(f"`bentoml build` failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return folder


def requirements() -> list[str]:
    """Return what the service needs, each at the version that is installed here."""
    found = []
    for line in metadata.requires("fenlei") or ():
        if "extra ==" in line:
            continue
        name = line
        for sign in " <>=!~;[(":
            name = name.partition(sign)[0]
        found.append(f"{name}=={metadata.version(name)}")
    return sorted(found)
