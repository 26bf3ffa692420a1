"""Parameters of the learner and the range of each, so that a wrong one is found in the file and not by LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from features.policy import Policy

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LearnerParameters(Policy):
    """What a study's ``[learner]`` may say: the numbers of `models.learning.classifier.RiskClassifier`.

    The ranges are LightGBM's. ``max_depth`` 0 or less: no limit; ``num_threads`` 0: as many as the machine has.
    """

    model_config = ConfigDict(strict=True)

    tree_share: float = Field(default=0.5, ge=0, le=1)
    strength: Positive = 0.01
    n_estimators: int = Field(default=200, ge=1)
    learning_rate: Positive = 0.05
    num_leaves: int = Field(default=15, ge=2, le=131_072)
    max_depth: int = Field(default=4, le=64)
    min_data_in_leaf: int = Field(default=50, ge=0)
    feature_fraction: float = Field(default=1.0, gt=0, le=1)
    lambda_l1: NotNegative = 0.0
    lambda_l2: NotNegative = 1.0
    min_gain_to_split: NotNegative = 0.0
    max_bin: int = Field(default=255, ge=2, le=65_535)
    monotone_penalty: NotNegative = 0.0
    num_threads: int = Field(default=2, ge=0)


def check_parameters(given: Mapping[str, object]) -> None:
    """Refuse parameters that the learner does not have or that are out of range.

    Raises
    ------
    pydantic.ValidationError
        With the key of each; a name that is not there is told which are.
    """
    _refuse("learner", [_unknown((name,), name) for name in given if name not in LearnerParameters.model_fields])
    LearnerParameters.model_validate(dict(given))


def check_space(space: Mapping[str, tuple[float, float, str]]) -> None:
    """Refuse a search of parameters that the learner does not have, or that leads out of a parameter's range.

    Parameters
    ----------
    space
        Name to least value, greatest value and kind, "int" or "float".

    Raises
    ------
    pydantic.ValidationError
        With the key of each.
    """
    wrong = []
    for name, (low, high, kind) in space.items():
        place = ("space", name)
        field = LearnerParameters.model_fields.get(name)
        if field is None:
            wrong.append(_unknown(place, name))
        elif (field.annotation is int) != (kind == "int"):
            expected = "int" if field.annotation is int else "float"
            wrong.append(_wrong(place, f'{name} is searched with kind = "{expected}", not "{kind}"', kind))
        else:
            for end, value in (("low", low), ("high", high)):
                # A whole number stands as a float in a range; anything else is refused as what it is.
                whole = kind == "int" and float(value).is_integer()
                wrong += _out_of_range((*place, end), name, int(value) if whole else value)
    _refuse("tuning", wrong)


def _out_of_range(place: tuple[str, ...], name: str, value: float) -> list[InitErrorDetails]:
    try:
        LearnerParameters.model_validate({name: value})
    except ValidationError as err:
        return [_wrong(place, e["msg"], value) for e in err.errors()]
    return []


def _unknown(place: tuple[str, ...], name: str) -> InitErrorDetails:
    return _wrong(
        place, f"the learner has no parameter {name!r}; it has {sorted(LearnerParameters.model_fields)}", name
    )


def _wrong(place: tuple[str, ...], text: str, value: object) -> InitErrorDetails:
    # Braces would be taken for a place to fill in.
    said = PydanticCustomError("learner_parameter", "{said}", {"said": text})
    return InitErrorDetails(type=said, loc=place, input=value)


def _refuse(title: str, wrong: list[InitErrorDetails]) -> None:
    if wrong:
        raise ValidationError.from_exception_data(title, wrong)
