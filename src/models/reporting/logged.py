"""Run as MLflow's pages list it: the records it was given, tags of its version, and a row to try the model on."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from mlflow.entities import Dataset as Records
from mlflow.entities import DatasetInput, InputTag

from models.review.review import Review
from models.study.dataset import Dataset
from models.study.experiment import SEGMENTS, Experiment

DIGEST = 36
"""Longest digest that MLflow takes."""


def records_of(dataset: Dataset, experiment: Experiment) -> list[DatasetInput]:
    """Return the visits of each segment as inputs of the run: digest of the records, span, counts; no path."""
    source = json.dumps({"records": experiment.source.adapter, "as_of": dataset.as_of.isoformat()}, sort_keys=True)
    schema = {
        "mlflow_colspec": [{"type": "double", "name": n, "required": True} for n in dataset.names]
        + [{"type": "integer", "name": "violation", "required": True}]
    }
    found = []
    for segment in SEGMENTS:
        part = dataset.parts[segment]
        days = part.outcomes["visited_on"]
        profile = {
            "num_rows": len(part),
            "violations": int(part.y.sum()),
            "enterprises": len(set(part.enterprise)),
            "from": min(days).isoformat(),
            "to": max(days).isoformat(),
        }
        records = Records(
            name=f"{experiment.name} {segment}",
            digest=dataset.source_hash[:DIGEST],
            source_type="records",
            source=source,
            schema=json.dumps(schema),
            profile=json.dumps(profile),
        )
        found.append(DatasetInput(records, tags=[InputTag("mlflow.data.context", segment)]))
    return found


def version_tags(experiment: Experiment, review: Review) -> dict[str, str]:
    """Return the tags by which a reviewer finds a version: study, province, verdicts; nobody has signed it yet."""
    return {
        "study": experiment.name,
        "province": experiment.province,
        "contract": review.contract.verdict,
        "drift": review.stable.retrain.verdict,
        "signed": "no",
    }


def example_of(dataset: Dataset) -> pd.DataFrame:
    """Return one made-up row: the median of each indicator over the population, 0 where it is unknown for all."""
    known = ~np.isnan(dataset.population).all(axis=0)
    row = np.zeros(len(dataset.names))
    row[known] = np.nanmedian(dataset.population[:, known], axis=0)
    return pd.DataFrame([row], columns=list(dataset.names))
