"""Body of ``POST /what_if``: an enterprise's record, and the acts to try, or none to have them looked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.twice import keys_given_twice
from serving.answers.requests import Item, Month, Name, RecordIn, body_of, wrong_shape
from serving.errors import Problem, RequestError

Act = Annotated[str, Field(min_length=1, max_length=64)]


class WhatIfRequest(BaseModel):
    """One enterprise by its record, and acts.

    Without ``acts`` the fewest that bring it a class down are looked for; with them, all of them are done together.
    """

    model_config = ConfigDict(extra="forbid")

    enterprise_id: Name
    cutoff: Month
    record: RecordIn
    acts: list[Act] | None = Field(default=None, min_length=1, max_length=50)

    @property
    def item(self) -> Item:
        """The same enterprise as ``POST /classify`` asks about it by record."""
        return Item(enterprise_id=self.enterprise_id, cutoff=self.cutoff, record=self.record)


def asked_what_if(raw: bytes, known: list[str]) -> WhatIfRequest:
    """Read a body; ``known`` are the acts of the province.

    Raises
    ------
    RequestError
        422 naming fields.
    """
    body = body_of(raw)
    if keys_given_twice(raw):
        problem = Problem("body", "a key is given twice: which value holds is not said")
        raise RequestError(422, "a key is given twice in the body", (problem,))
    if not isinstance(body, dict):
        raise RequestError(422, "the request has the wrong shape", (Problem("body", "expected a JSON object"),))
    try:
        found = WhatIfRequest.model_validate(body)
    except ValidationError as err:
        raise wrong_shape(err) from err
    wrong = [k for k, act in enumerate(found.acts or ()) if act not in known]
    if wrong:
        problems = tuple(Problem(f"acts[{k}]", f"expected one of {', '.join(known)}") for k in wrong)
        raise RequestError(422, "an act is not known", problems)
    return found
