"""Names of registered models and of their versions: one model for each province and study."""

from __future__ import annotations

LEGACY = "fenlei"
"""Model under which every study of every province was registered once; its versions are plain numbers."""

PREFIX = f"{LEGACY}."


def model_name(province: str, study: str) -> str:
    """Return the registered model of a province's study.

    Examples
    --------
    >>> model_name("hebei", "demo")
    'fenlei.hebei.demo'
    """
    return f"{PREFIX}{province}.{study}"


def version_of(model: str, number: str) -> str:
    """Return how a version is called everywhere: by its model, without the part all have in common, and its number.

    Examples
    --------
    >>> version_of("fenlei.hebei.demo", "3"), version_of("fenlei", "3")
    ('hebei.demo/3', '3')
    """
    return number if model == LEGACY else f"{model.removeprefix(PREFIX)}/{number}"


def split_version(version: str) -> tuple[str, str]:
    """Return a version's registered model and its number there.

    Examples
    --------
    >>> split_version("hebei.demo/3"), split_version("3")
    (('fenlei.hebei.demo', '3'), ('fenlei', '3'))
    """
    model, slash, number = version.rpartition("/")
    return (f"{PREFIX}{model}", number) if slash else (LEGACY, number)


def is_of(model: str, province: str) -> bool:
    """Tell whether a registered model may hold versions of a province."""
    return model == LEGACY or model.startswith(f"{PREFIX}{province}.")
