"""Registered versions of the one model: written once by training, read by sign-off and service."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import ColSpec, Schema

from features.errors import FenleiError
from models.tracking import artifacts, runs
from models.tracking.store import Store

MODEL_NAME = "fenlei"
BUNDLE = "bundle"
ALIAS = "approved"


class RegistryError(FenleiError):
    """A registered version does not exist or can't be read."""


def signature(names: tuple[str, ...]) -> ModelSignature:
    """Signature of the logged model: one nullable double per indicator in, score and probability out."""
    return ModelSignature(
        inputs=Schema([ColSpec("double", name, required=True) for name in names]),
        outputs=Schema([ColSpec("double", "score"), ColSpec("double", "probability")]),
    )


def register(store: Store, run_id: str, bundle: Path, names: tuple[str, ...], tags: dict[str, str]) -> str:
    """Log the model of a run as a pyfunc holding the bundle and register it; returns the version.

    The model is logged from code (`models.tracking.pyfunc`), so that it holds no pickle. Beside the given tags the
    version
    gets the hash of the bundle's files. Every hash becomes a parameter of the run too.
    """
    client = runs.client(store)
    tags = {**tags, "bundle_hash": artifacts.bundle_hash(bundle)}
    # A tag can be rewritten or taken away by whoever can write to MLflow; it lets nobody change a parameter.
    runs.log(store, run_id, params={k: v for k, v in tags.items() if k.endswith("_hash")})
    with runs.quiet():
        model = _logged(client, run_id, bundle, names)
        try:
            client.create_registered_model(MODEL_NAME)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # By where the files are: what "models:/<id>" means, MLflow looks up in the store of the process.
        made = client.create_model_version(
            MODEL_NAME, model.artifact_location, run_id=run_id, model_id=model.model_id, tags=tags
        )
    return str(made.version)


def _logged(client: MlflowClient, run_id: str, bundle: Path, names: tuple[str, ...]) -> LoggedModel:
    """Log the model of a run, by the client alone: MLflow's own ``log_model`` writes to the store of the process."""
    run = client.get_run(run_id)
    model = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run_id, params=dict(run.data.params)
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            # MLflow keeps the bundle under its own name, by which it is found again.
            named = shutil.copytree(bundle, Path(folder) / BUNDLE)
            saved = Path(folder) / "model"
            mlflow.pyfunc.save_model(
                path=str(saved),
                python_model=str(Path(__file__).with_name("pyfunc.py")),
                artifacts={BUNDLE: str(named)},
                signature=signature(names),
                input_example=None,
                pip_requirements=["fenlei"],
                mlflow_model=Model(
                    artifact_path=model.artifact_location,
                    run_id=run_id,
                    model_uuid=model.model_id,
                    model_id=model.model_id,
                ),
            )
            client.log_model_artifacts(model.model_id, str(saved))
    except BaseException:
        client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    # So that MLflow's page of the model shows what its run measured.
    of_model = [Metric(k, v, 0, 0, model_id=model.model_id) for k, v in run.data.metrics.items()]
    for some in runs.batched(of_model, runs.MOST_METRICS):
        client.log_batch(run_id, some)
    return model


def _version(store: Store, version: str) -> mlflow.entities.model_registry.ModelVersion:
    try:
        with runs.quiet():
            return runs.client(store).get_model_version(MODEL_NAME, version)
    except MlflowException as err:
        raise RegistryError(f"model {MODEL_NAME!r} has no version {version!r}") from err


def bundle(store: Store, version: str) -> Path:
    """Return the folder of a version's bundle, copied here when the store is remote."""
    _version(store, version)
    try:
        with runs.quiet():
            uri = runs.client(store).get_model_version_download_uri(MODEL_NAME, version)
        folder = runs.download(store, uri)
    except (MlflowException, OSError) as err:
        raise RegistryError(f"the files of version {version} can't be read: {err}") from err
    inside = folder / "artifacts" / BUNDLE
    if not inside.is_dir():
        raise RegistryError(f"version {version} holds no model bundle at {inside}")
    return inside


def inputs(store: Store, version: str) -> dict[str, str]:
    """Hashes of what a version was trained from and registered with, as its tags say."""
    found = _version(store, version)
    return {k: v for k, v in sorted(found.tags.items()) if k.endswith("_hash")}


def run_id(store: Store, version: str) -> str:
    """Run that made a version."""
    return str(_version(store, version).run_id or "")


def artifact(store: Store, run: str, name: str) -> Path | None:
    """Return a file or folder that a run logged, copied here when the store is remote; None where it logged none."""
    try:
        with runs.quiet():
            if name not in {f.path for f in runs.client(store).list_artifacts(run)}:
                return None
        return runs.download(store, f"{runs.get_run(store, run).info.artifact_uri}/{name}")
    except (MlflowException, OSError) as err:
        raise RegistryError(f"{name} of run {run} can't be read: {err}") from err


@dataclass(frozen=True)
class Pointers:
    """What the registry keeps of the record: the version its alias points at, and tags of the model."""

    alias: str | None
    tags: dict[str, str]


def pointers(store: Store) -> Pointers:
    """Read alias and tags; a model that is not registered yet has neither."""
    try:
        with runs.quiet():
            found = runs.client(store).get_registered_model(MODEL_NAME)
    except MlflowException as err:
        if err.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise RegistryError(f"the model registry can't be read: {err}") from err
        return Pointers(None, {})
    aliases = {k: str(v) for k, v in found.aliases.items()}
    return Pointers(aliases.get(ALIAS), {k: str(v) for k, v in found.tags.items()})


def aliased(store: Store) -> str | None:
    """Version the alias points at, if any."""
    return pointers(store).alias


def set_tag(store: Store, name: str, value: str) -> None:
    """Set a tag of the registered model."""
    with runs.quiet():
        runs.client(store).set_registered_model_tag(MODEL_NAME, name, value)


def set_alias(store: Store, version: str | None) -> None:
    """Point the alias at a version, or take it away."""
    with runs.quiet():
        if version is None:
            if aliased(store) is not None:
                runs.client(store).delete_registered_model_alias(MODEL_NAME, ALIAS)
        else:
            runs.client(store).set_registered_model_alias(MODEL_NAME, ALIAS, version)
