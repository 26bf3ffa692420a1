"""Errors of the models; a caller may let the rules answer instead."""

from __future__ import annotations

from features.errors import FenleiError


class ModelError(FenleiError):
    """The model can't be built or can't answer; the rules still can."""


class ModelInputError(ModelError):
    """The rows given to a model aren't what it learned from; the message names the columns."""


class ModelFileError(ModelError):
    """A saved model is incomplete or has changed since it was saved."""
