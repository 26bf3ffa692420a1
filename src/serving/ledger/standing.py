"""What answered a month, kept in the ledger by its hash: the model and the province's rules.

A later month says why an enterprise moved by scoring it as it was answered before; neither MLflow nor yesterday's
policy files need to be there for that.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from models.scoring.bands import BandPolicy
from models.scoring.risk_model import RiskModel
from models.scoring.rules.determinations import Determinations
from models.scoring.rules.province import ProvinceRules
from models.scoring.rules.scorecard import Scorecard
from serving.current.served import Served
from serving.ledger.place import LedgerError, Place, read_json, write_whole


def keep(place: Place, served: Served, rules: ProvinceRules) -> None:
    """Keep what answers; what is there already stays."""
    folder = place.root / "answered_by"
    policies = folder / "policies" / f"{rules.version}.json"
    if not policies.is_file():
        policies.parent.mkdir(parents=True, exist_ok=True)
        said = {
            "province": rules.province,
            "bands": rules.bands.model_dump(mode="json"),
            "scorecard": rules.scorecard.model_dump(mode="json"),
            "determinations": rules.determinations.model_dump(mode="json"),
            "version": rules.version,
        }
        write_whole(policies, json.dumps(said, ensure_ascii=False, indent=1) + "\n")
    if served.model is not None:
        model = folder / "models" / served.model.content_hash
        if not model.is_dir():
            fresh = model.with_name(f".{model.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            served.model.save(fresh)
            fresh.rename(model)


def recall(place: Place, manifest: dict[str, Any]) -> tuple[Served, ProvinceRules]:
    """Return what answered a month.

    Raises
    ------
    LedgerError
        If its files are not there or not what they were.
    ModelFileError
        If the model has changed since it was saved.
    """
    folder = place.root / "answered_by"
    said = read_json(folder / "policies" / f"{manifest['policy']}.json")
    rules = ProvinceRules(
        str(said["province"]),
        BandPolicy.model_validate(said["bands"]),
        Scorecard.model_validate(said["scorecard"]),
        Determinations.model_validate(said["determinations"]),
        str(said["version"]),
    )
    told = manifest["model"]
    if told["content_hash"] is None:
        return Served(rules.province, why=str(told["why"])), rules
    path: Path = folder / "models" / str(told["content_hash"])
    if not path.is_dir():
        raise LedgerError(f"{path}: the model that answered {manifest['month']} is not in the ledger any more")
    model = RiskModel.load(path)
    if model.content_hash != told["content_hash"]:
        raise LedgerError(f"{path} is not the model that answered {manifest['month']}")
    return Served(rules.province, model, told["registered"]), rules
