"""Keys and the list of those who may sign: one person is one person, however the name is written."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from features.errors import ConfigError
from features.policy import policy_root
from helpers.here import here
from helpers.signing import FROM, UNTIL, people
from models.signoff.errors import ApprovalError, KeyFileError
from models.signoff.record.demo_people import people as trial
from models.signoff.record.keys import encrypted, make_key, public_bytes, public_of, read_key, sign, verified
from models.signoff.record.signers import Signer, lines, load_signers, signers_path, skeleton

DIGEST = "a" * 64


def signer(name: str = "Li Na", zh: str = "李娜", key: str | None = None, **changes: object) -> Signer:
    fields = {"name": name, "name_zh": zh, "roles": ("propose",), "valid_from": FROM, "valid_until": UNTIL}
    return Signer.model_validate({**fields, "public_key": key or "A" * 43 + "=", **changes})


def listed(path: Path, monkeypatch: pytest.MonkeyPatch, *people: Signer) -> None:
    path.write_text("\n\n".join(map(lines, people)) + "\n", encoding="utf-8")
    monkeypatch.setenv("FENLEI_SIGNERS", str(path))


def test_a_key_signs_what_only_its_public_half_confirms(tmp_path: Path) -> None:
    public = make_key(tmp_path / "a.key")
    key = read_key(tmp_path / "a.key")
    assert public == public_of(key)
    signature = sign(key, DIGEST)
    assert verified(public, DIGEST, signature)
    assert not verified(public, "b" * 64, signature)
    assert not verified(make_key(tmp_path / "b.key"), DIGEST, signature)
    for broken in ("", "AAAA", signature[:-4], signature.lower(), " " + signature):
        assert not verified(public, DIGEST, broken)


def test_a_key_file_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.key"
    make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyFileError, match="a key is never written over"):
        make_key(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"others can read .* \(mode 640\)"):
        read_key(path)


def test_a_passphrase_is_asked_for_and_must_be_right(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    public = make_key(path, "long and secret 长而秘密")
    assert encrypted(path)
    assert b"ENCRYPTED" in path.read_bytes()
    assert public_of(read_key(path, "long and secret 长而秘密")) == public
    with pytest.raises(KeyFileError, match="the passphrase is wrong"):
        read_key(path, "another")
    with pytest.raises(KeyFileError, match="its passphrase is needed"):
        read_key(path)
    make_key(tmp_path / "plain.key")
    with pytest.raises(KeyFileError, match="is not encrypted"):
        read_key(tmp_path / "plain.key", "x")


def test_what_is_no_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"no private key at .*nothing"):
        read_key(tmp_path / "nothing")
    path = tmp_path / "a.key"
    path.write_text("hello")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="it is no key in PEM"):
        read_key(path)
    other = generate_private_key(SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyFileError, match="a key of another kind; expected Ed25519"):
        read_key(path)


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 44, "A" * 42 + "B=", "A" * 43 + "=\n", "A" * 43, "中" * 44])
def test_a_public_key_has_one_spelling(text: str) -> None:
    """'…AB=' decodes to the same bytes as '…AA=': it would be a second key of the same person."""
    with pytest.raises(ValueError, match=r"base64|public key"):
        public_bytes(text)


@pytest.mark.parametrize(
    "same", ["li na", "LI NA", "  Li  Na", "ＬＩ　ＮＡ", "Li\u200bNa", "LI-NA", "LiNa", "Ll Na", "L1 Na", "|Li Na|"]
)
def test_one_name_is_one_person_however_it_is_written(same: str) -> None:
    assert skeleton(same) == skeleton("Li Na")


@pytest.mark.parametrize(("a", "b"), [("Guo", "Gu0"), ("Erna", "Ema"), ("Wang AI", "Wang Al"), ("李娜", "\uf9e1娜")])
def test_names_that_look_alike_are_one(a: str, b: str) -> None:
    assert skeleton(a) == skeleton(b)
    assert skeleton("Wang Wei") != skeleton("Wang Fei")


@pytest.mark.parametrize(
    "alike",
    [
        "L\u0456 N\u0430",  # Cyrillic і, а
        "\u043e\u0441\u0430",  # wholly Cyrillic, reads as 'oca'
        "\u039d\u03bf",  # Greek, reads as 'No'
        "\u0548\u054d",  # Armenian, reads as 'nU'
        "Li Na\u0301",
        "Lı Na",
        "李娜",
        "ＬＩ ＮＡ",
        "-- ' .",
    ],
)
def test_a_name_in_letters_of_another_script_is_not_listed(alike: str) -> None:
    with pytest.raises(ValueError, match="Latin letters"):
        signer(name=alike)


@pytest.mark.parametrize("zh", ["Li Na", "李 娜", "李娜\u200b", "リナ", "\u2f0a娜", "·"])
def test_a_chinese_name_is_written_in_chinese_characters(zh: str) -> None:
    with pytest.raises(ValueError, match="Chinese characters"):
        signer(zh=zh)
    assert signer(zh="阿依古丽·买买提").name_zh


def test_one_key_is_one_persons_and_two_people_can_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = make_key(tmp_path / "a.key"), make_key(tmp_path / "b.key")
    path = tmp_path / "signers.toml"
    for second, says in (
        (signer("Wang Wei", "王伟", key), "have the same public key"),
        (signer("Li Na", "李娜", key), "have the same public key"),
        (signer("Ll Na", "王伟", other), "can't be told apart"),
        (signer("Wang Wei", "李娜", other), "can't be told apart"),
        (signer("LI NA", "李娜", other), "can't be told apart"),
    ):
        listed(path, monkeypatch, signer(key=key), second)
        with pytest.raises(ConfigError, match=says):
            load_signers(here(), "hebei")
    listed(path, monkeypatch, signer(key=key), signer(key=other))
    assert load_signers(here(), "hebei").of_key(other).is_person(load_signers(here(), "hebei").of_key(key))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"roles": ()}, "roles"),
        ({"roles": ("sign",)}, "roles"),
        ({"valid_until": FROM}, "valid_until must be later"),
        ({"public_key": "A" * 44}, "public key"),
        ({"private_key": "x"}, "private_key"),
    ],
)
def test_a_wrong_line_of_the_list_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        signer(**changes)


def test_no_shipped_list_has_a_signer_and_a_province_does_not_borrow_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FENLEI_SIGNERS", raising=False)
    found = sorted(policy_root().glob("*/signers.toml"))
    assert found
    for path in found:
        assert load_signers(here(), path.parent.name).people == ()
        assert "PRIVATE KEY" not in path.read_text(encoding="utf-8")
    assert signers_path(here(), "henan").parent.name == "henan"
    with pytest.raises(ConfigError, match=r"henan.signers\.toml: no such file"):
        load_signers(here(), "henan")


def test_a_list_written_as_keygen_prints_it_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = people(tmp_path)
    monkeypatch.setenv("FENLEI_SIGNERS", str(made.path))
    assert load_signers(here(), "hebei").people == tuple(made.signers.values())


def test_trial_people_are_made_once_and_say_that_they_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, one, two = trial(tmp_path, FROM)
    assert "these are no people" in path.read_text(encoding="utf-8")
    monkeypatch.setenv("FENLEI_SIGNERS", str(path))
    found = load_signers(here(), "hebei")
    assert not found.of_key(public_of(one)).is_person(found.of_key(public_of(two)))
    again = trial(tmp_path, FROM)
    assert (public_of(again[1]), public_of(again[2])) == (public_of(one), public_of(two))
    with pytest.raises(ApprovalError, match="is not in"):
        found.of_key(make_key(tmp_path / "c.key"))
