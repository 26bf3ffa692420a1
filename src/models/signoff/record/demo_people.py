"""Two invented signers with keys of their own and a list that holds them: for the demo, a notebook, a test.

They are in no province's policies. Only a store that names their list takes their word.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.signoff.record.keys import make_key, read_key
from models.signoff.record.signers import FILE, Signer, lines

NAMES = (("Demo Reviewer A", "示范审核员甲"), ("Demo Reviewer B", "示范审核员乙"))


def people(folder: Path, on: date) -> tuple[Path, Ed25519PrivateKey, Ed25519PrivateKey]:
    """Return the list's file and the two private keys; both persons may do everything for a year from ``on``.

    Made once in a folder, found again later: what they signed before stays theirs.
    """
    listed = folder / f"{FILE}.toml"
    keys = [folder / f"{name.lower().replace(' ', '-')}.key" for name, _ in NAMES]
    if not listed.exists():
        until = date(on.year + 1, on.month, 1)
        signers = [
            Signer(
                name=name,
                name_zh=zh,
                public_key=make_key(path),
                roles=("propose", "approve"),
                valid_from=on,
                valid_until=until,
            )
            for (name, zh), path in zip(NAMES, keys, strict=True)
        ]
        text = "# Made up for a trial: these are no people.\n" + "\n\n".join(map(lines, signers)) + "\n"
        listed.write_text(text, encoding="utf-8")
    return listed, read_key(keys[0]), read_key(keys[1])
