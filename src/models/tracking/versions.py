"""Registered versions: written once by training, read by sign-off and service."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import ColSpec, Schema

from features.errors import FenleiError
from models.tracking import artifacts, runs
from models.tracking.names import LEGACY, PREFIX, split_version, version_of
from models.tracking.store import Store

BUNDLE = "bundle"
ALIAS = "approved"
SIGNED = "\n\n**Sign-off 签批**: "
"""Where a version's description says who proposed and signed it; what is below is written again at every step."""


class RegistryError(FenleiError):
    """A registered version does not exist or can't be read."""


def signature(names: tuple[str, ...]) -> ModelSignature:
    """Signature of the logged model: one nullable double per indicator in, score and probability out."""
    return ModelSignature(
        inputs=Schema([ColSpec("double", name, required=True) for name in names]),
        outputs=Schema([ColSpec("double", "score"), ColSpec("double", "probability")]),
    )


def register(
    store: Store,
    run_id: str,
    bundle: Path,
    names: tuple[str, ...],
    tags: dict[str, str],
    *,
    model: str = LEGACY,
    about: str = "",
    example: pd.DataFrame | None = None,
) -> str:
    """Log the model of a run as a pyfunc holding the bundle and register it; returns the version.

    The model is logged from code (`models.tracking.pyfunc`), so that it holds no pickle. Beside the given tags the
    version gets the hash of the bundle's files. Every hash becomes a parameter of the run too.

    Parameters
    ----------
    store, run_id
        The run.
    bundle, names
        Folder of the model's files, and its indicators in order.
    tags
        Of the version.
    model
        Registered model, from `models.tracking.names.model_name`.
    about
        What a reviewer reads first of the version, in Markdown.
    example
        A row of indicators to try the model on.
    """
    client = runs.client(store)
    tags = {**tags, "bundle_hash": artifacts.bundle_hash(bundle)}
    # A tag can be rewritten or taken away by whoever can write to MLflow; it lets nobody change a parameter.
    runs.log(store, run_id, params={k: v for k, v in tags.items() if k.endswith("_hash")})
    with runs.quiet():
        logged = _logged(client, run_id, bundle, names, example)
        try:
            client.create_registered_model(model)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # By where the files are: what "models:/<id>" means, MLflow looks up in the store of the process.
        made = client.create_model_version(
            model,
            logged.artifact_location,
            run_id=run_id,
            model_id=logged.model_id,
            tags=tags,
            description=about or None,
        )
    return version_of(model, str(made.version))


def _logged(
    client: MlflowClient, run_id: str, bundle: Path, names: tuple[str, ...], example: pd.DataFrame | None
) -> LoggedModel:
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
                input_example=example,
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
    model, number = split_version(version)
    try:
        with runs.quiet():
            return runs.client(store).get_model_version(model, number)
    except MlflowException as err:
        raise RegistryError(f"model {model!r} has no version {number!r}") from err


def bundle(store: Store, version: str) -> Path:
    """Return the folder of a version's bundle, copied here when the store is remote."""
    _version(store, version)
    try:
        with runs.quiet():
            uri = runs.client(store).get_model_version_download_uri(*split_version(version))
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


def describe(store: Store, version: str, *, about: str | None = None, tags: dict[str, str] | None = None) -> None:
    """Write what is said of a version: its description, where one is given, and tags."""
    model, number = split_version(version)
    with runs.quiet():
        client = runs.client(store)
        if about is not None:
            client.update_model_version(model, number, about)
        for key, value in (tags or {}).items():
            client.set_model_version_tag(model, number, key, value)


def say_signed(store: Store, version: str, state: str, lines: Sequence[str]) -> None:
    """Write on a version's page who proposed and signed it, in place of what stood there.

    Parameters
    ----------
    store, version
        The version; one whose files or entry are gone is left alone.
    state
        For the tag ``signed``.
    lines
        One for each step, the oldest first.
    """
    try:
        before = str(_version(store, version).description or "").partition(SIGNED)[0]
        describe(store, version, about=f"{before}{SIGNED}{'; '.join(lines)}", tags={"signed": state})
    except (MlflowException, RegistryError):
        return  # the record decides; the page only repeats it


@dataclass(frozen=True)
class Pointers:
    """What the registry keeps of the record with one model: the number its alias points at, and tags of the model."""

    alias: str | None
    tags: dict[str, str]


def pointers(store: Store) -> dict[str, Pointers]:
    """Read alias and tags of every registered model of ours.

    Raises
    ------
    RegistryError
        If the registry can't be read.
    """
    try:
        with runs.quiet():
            found = runs.client(store).search_registered_models(f"name LIKE '{LEGACY}%'", max_results=1000)
    except MlflowException as err:
        raise RegistryError(f"the model registry can't be read: {err}") from err
    return {
        str(m.name): Pointers(
            {k: str(v) for k, v in m.aliases.items()}.get(ALIAS), {k: str(v) for k, v in m.tags.items()}
        )
        for m in found
        if m.name == LEGACY or m.name.startswith(PREFIX)
    }


def aliased(store: Store, model: str = LEGACY) -> str | None:
    """Return the number that a model's alias points at, if any."""
    found = pointers(store).get(model)
    return found.alias if found else None


def set_tag(store: Store, model: str, name: str, value: str) -> None:
    """Set a tag of a registered model."""
    with runs.quiet():
        runs.client(store).set_registered_model_tag(model, name, value)


def set_alias(store: Store, model: str, number: str | None) -> None:
    """Point a model's alias at a version of it, or take it away."""
    with runs.quiet():
        if number is None:
            if aliased(store, model) is not None:
                runs.client(store).delete_registered_model_alias(model, ALIAS)
        else:
            runs.client(store).set_registered_model_alias(model, ALIAS, number)
