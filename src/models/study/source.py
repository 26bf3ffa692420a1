"""Source of a study: a contract folder, or outside data with the adapter that makes one of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from features.adapters.table import map_hash
from features.policy import Policy


class Source(Policy):
    """Where the rows come from.

    ``adapter`` "none" means a contract folder; otherwise the adapter of that name writes one first, called
    with ``options``. Adapter "table" takes a city's ``map``, a TOML file whose place is said from the experiment's;
    ``map_hash`` is of its bytes, and found when the experiment is read. ``as_of``: the day the records were taken;
    missing, the folder's manifest says it.
    """

    adapter: Literal["none", "beijing", "chicago", "table"] = "none"
    map: str | None = None
    options: dict[str, str | int | bool | list[str]] = Field(default_factory=dict)
    as_of: date | None = None
    map_hash: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    map_file: Path | None = Field(default=None, exclude=True)

    @model_validator(mode="after")
    def _map_and_adapter(self) -> Source:
        if (self.adapter == "table") != (self.map is not None):
            raise ValueError('adapter = "table" and map = "<city>.toml" stand together')
        return self

    def at(self, folder: Path) -> Source:
        """Return the source with its map found from a folder.

        Raises
        ------
        ConfigError
            If the map can't be read.
        """
        if self.map is None:
            return self
        file = folder / self.map
        return self.model_copy(update={"map_file": file, "map_hash": map_hash(file)})

    @model_serializer(mode="wrap")
    def _as_without_map(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the map out where there is none: no other study's hash depends on there being maps."""
        found: dict[str, Any] = dump(self)
        return {k: v for k, v in found.items() if k not in ("map", "map_hash") or v is not None}
