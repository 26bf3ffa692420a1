"""Options of a call: in which language, and with how many reasons, it wants to be answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from models.scoring.classification import Classification

Language = Literal["zh", "en", "both"]
Shown = Annotated[int, Field(ge=0, le=200)]


class Options(BaseModel):
    """How a call wants to be answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language = Field(default="both", description="Of the texts; those of the other are left empty.")
    reasons: StrictBool | Shown | None = Field(
        default=None, description="false: none; true, or left out: the service's number; a number: so many at most."
    )

    def top(self, usual: int) -> int:
        """Return how many reasons to give, where ``usual`` are given to who says nothing."""
        if self.reasons is None or self.reasons is True:
            return usual
        return int(self.reasons)

    def worded(self, answer: Classification) -> Classification:
        """Return an answer with the texts of the language that was asked for."""
        if self.language == "both" or not (answer.reasons or answer.determinations):
            return answer
        empty = {"text_zh": ""} if self.language == "en" else {"text_en": ""}
        return answer.model_copy(
            update={
                "reasons": tuple(one.model_copy(update=empty) for one in answer.reasons),
                "determinations": tuple(one.model_copy(update=empty) for one in answer.determinations),
            }
        )
