"""The logged model as MLflow loads it: ``mlflow.pyfunc.load_model(uri).predict(frame)``.

A script that MLflow runs on loading ("models from code"): no pickle, so no arbitrary code in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from models import RiskModel


class ServedRiskModel(PythonModel):
    """Indicators in, score and probability out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle."""
        self.model = RiskModel.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return score (0-1000) and probability of each row of indicators."""
        margin = self.model.margin(self.model.matrix(model_input))
        return pd.DataFrame(
            {"score": self.model.score(margin), "probability": self.model.probability(margin)},
            index=model_input.index,
        )


set_model(ServedRiskModel())
