"""Places to write to: a wrong one is refused with a message before any work is done for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from features.errors import ConfigError


def check_place(folder: Path) -> None:
    """Refuse a folder that can't be written to, or, where it is missing, can't be made.

    Raises
    ------
    ConfigError
        If a file stands in its way, or nothing can be written there; the message names what does.
    """
    try:
        for there in (folder, *folder.absolute().parents):
            if there.is_dir():
                # The system alone knows: rights, a read-only disk, a full one. The file is gone at once.
                with tempfile.TemporaryFile(dir=there):
                    return
            if there.exists() or there.is_symlink():
                raise ConfigError(f"{folder}: {there} is no folder; expected one to write to")
    except OSError as err:
        raise ConfigError(f"{folder}: nothing can be written there: {err.strerror or err}") from err


def check_output(file: Path, *, suffix: str = "", parents: bool = True) -> None:
    """Refuse a file that can't be written.

    Parameters
    ----------
    file
        To be written; an older one may be there.
    suffix
        How its name must end, such as ``.parquet``, for what is written there; none: as it likes.
    parents
        Whether folders that are missing will be made.

    Raises
    ------
    ConfigError
        If it is a folder, its name promises another format, or nothing can be written there.
    """
    try:
        is_folder, has_room = file.is_dir(), file.parent.is_dir()
        if not is_folder and file.exists():
            with file.open("ab"):  # the rights of the file itself; nothing is written
                pass
    except OSError as err:
        raise ConfigError(f"{file}: can't be written: {err.strerror or err}") from err
    if is_folder:
        raise ConfigError(f"{file} is a folder; expected a file to write")
    if suffix and file.suffix.lower() != suffix:
        raise ConfigError(f"{file}: expected a name that ends in {suffix}, which is what is written")
    if not parents and not has_room:
        raise ConfigError(f"{file}: no folder {file.parent}; make it first")
    check_place(file.parent)


def check_apart(place: Path, source: Path) -> None:
    """Refuse a place within a source folder: what is written there would be read as a part of the source.

    Raises
    ------
    ConfigError
        If it is the folder itself or within it.
    """
    if place.resolve().is_relative_to(source.resolve()):
        raise ConfigError(f"{place} is in the source folder {source}; expected a place outside it")
