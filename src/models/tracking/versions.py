"""Registered versions of the one model: written once by training, read by sign-off and service."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from features.errors import FenleiError
from models.tracking import artifacts
from models.tracking import store as tracking


class RegistryError(FenleiError):
    """A registered version does not exist or can't be read."""


def signature(names: tuple[str, ...]) -> ModelSignature:
    """Signature of the logged model: one nullable double per indicator in, score and probability out."""
    return ModelSignature(
        inputs=Schema([ColSpec("double", name, required=True) for name in names]),
        outputs=Schema([ColSpec("double", "score"), ColSpec("double", "probability")]),
    )


def register(run_id: str, bundle: Path, names: tuple[str, ...], tags: dict[str, str]) -> str:
    """Log the model of a run as a pyfunc holding the bundle and register it; returns the version.

    The model is logged from code (`models.tracking.pyfunc`), so that it holds no pickle. Beside the given tags the
    version
    gets the hash of the bundle's files. Every hash becomes a parameter of the run too.
    """
    client = tracking.client()
    tags = {**tags, "bundle_hash": artifacts.bundle_hash(bundle)}
    # A tag can be rewritten or taken away by whoever can write to MLflow; it lets nobody change a parameter.
    tracking.log(run_id, params={k: v for k, v in tags.items() if k.endswith("_hash")})
    with tempfile.TemporaryDirectory() as folder, tracking.quiet(), mlflow.start_run(run_id=run_id):
        # MLflow keeps the folder under its own name, by which it is found again.
        named = shutil.copytree(bundle, Path(folder) / tracking.BUNDLE)
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={tracking.BUNDLE: str(named)},
            signature=signature(names),
            input_example=None,
            pip_requirements=["fenlei"],
        )
        try:
            client.create_registered_model(tracking.MODEL_NAME)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = client.create_model_version(
            tracking.MODEL_NAME, info.model_uri, run_id=run_id, model_id=info.model_id, tags=tags
        )
    return str(made.version)


def _version(version: str) -> mlflow.entities.model_registry.ModelVersion:
    try:
        with tracking.quiet():
            return tracking.client().get_model_version(tracking.MODEL_NAME, version)
    except MlflowException as err:
        raise RegistryError(f"model {tracking.MODEL_NAME!r} has no version {version!r}") from err


def bundle(version: str) -> Path:
    """Return the folder of a version's bundle, copied here when the store is remote."""
    _version(version)
    try:
        with tracking.quiet():
            uri = tracking.client().get_model_version_download_uri(tracking.MODEL_NAME, version)
        folder = tracking.download(uri)
    except (MlflowException, OSError) as err:
        raise RegistryError(f"the files of version {version} can't be read: {err}") from err
    inside = folder / "artifacts" / tracking.BUNDLE
    if not inside.is_dir():
        raise RegistryError(f"version {version} holds no model bundle at {inside}")
    return inside


def model_hash(version: str) -> str:
    """SHA-256 over the files of a version's bundle."""
    return artifacts.bundle_hash(bundle(version))


def inputs(version: str) -> dict[str, str]:
    """Hashes of what a version was trained from and registered with, as its tags say."""
    found = _version(version)
    return {k: v for k, v in sorted(found.tags.items()) if k.endswith("_hash")}


def run_id(version: str) -> str:
    """Run that made a version."""
    return str(_version(version).run_id or "")


def artifact(run: str, name: str) -> Path | None:
    """Return a file or folder that a run logged, copied here when the store is remote; None where it logged none."""
    try:
        with tracking.quiet():
            if name not in {f.path for f in tracking.client().list_artifacts(run)}:
                return None
        return tracking.download(f"{tracking.get_run(run).info.artifact_uri}/{name}")
    except (MlflowException, OSError) as err:
        raise RegistryError(f"{name} of run {run} can't be read: {err}") from err


@dataclass(frozen=True)
class Pointers:
    """What the registry keeps of the record: the version its alias points at, and tags of the model."""

    alias: str | None
    tags: dict[str, str]


def pointers() -> Pointers:
    """Read alias and tags; a model that is not registered yet has neither."""
    try:
        with tracking.quiet():
            found = tracking.client().get_registered_model(tracking.MODEL_NAME)
    except MlflowException as err:
        if err.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise RegistryError(f"the model registry can't be read: {err}") from err
        return Pointers(None, {})
    aliases = {k: str(v) for k, v in found.aliases.items()}
    return Pointers(aliases.get(tracking.ALIAS), {k: str(v) for k, v in found.tags.items()})


def aliased() -> str | None:
    """Version the alias points at, if any."""
    return pointers().alias


def set_tag(name: str, value: str) -> None:
    """Set a tag of the registered model."""
    with tracking.quiet():
        tracking.client().set_registered_model_tag(tracking.MODEL_NAME, name, value)


def set_alias(version: str | None) -> None:
    """Point the alias at a version, or take it away."""
    with tracking.quiet():
        if version is None:
            if aliased() is not None:
                tracking.client().delete_registered_model_alias(tracking.MODEL_NAME, tracking.ALIAS)
        else:
            tracking.client().set_registered_model_alias(tracking.MODEL_NAME, tracking.ALIAS, version)


def versions() -> list[str]:
    """Registered versions, oldest first."""
    with tracking.quiet():
        found = tracking.client().search_model_versions(f"name = '{tracking.MODEL_NAME}'")
    return sorted((str(v.version) for v in found), key=int)
