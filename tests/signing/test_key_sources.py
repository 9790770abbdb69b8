"""Private keys in files."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tenure_signing.errors import KeySourceError
from tenure_signing.key_sets import Purpose
from tenure_signing.key_sources import (
    SigningKey,
    new_key,
    read_key,
    tuf_signer,
    write_encrypted,
    write_unencrypted,
)
from tenure_signing.pkcs8_encryption import PBKDF2_ROUNDS

PASSPHRASE = "correct horse bättery".encode()


def asked() -> bytes:
    return PASSPHRASE


def never_asked() -> bytes:
    raise AssertionError("the passphrase was asked in vain")


@pytest.fixture(autouse=True)
def _usual_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SigningKey]:
    path, key = tmp_path_factory.mktemp("keys") / "root.pem", new_key()
    write_encrypted(path, key, PASSPHRASE)
    return path, key


def test_an_encrypted_key_comes_back_with_its_passphrase(encrypted: tuple[Path, SigningKey]) -> None:
    path, key = encrypted
    assert read_key(path, asked) == key
    assert read_key(path, asked).private_key.private_bytes_raw() == key.private_key.private_bytes_raw()


def test_an_unencrypted_key_comes_back(tmp_path: Path) -> None:
    key = new_key()
    write_unencrypted(tmp_path / "online.pem", key)
    assert read_key(tmp_path / "online.pem") == key


def test_openssl_reads_an_encrypted_key_and_sees_many_rounds(
    encrypted: tuple[Path, SigningKey], tmp_path: Path
) -> None:
    passphrase_file = tmp_path / "passphrase"
    passphrase_file.write_bytes(PASSPHRASE)
    decrypt = [
        "openssl",
        "pkey",
        "-in",
        str(encrypted[0]),
        "-passin",
        f"file:{passphrase_file}",
        "-pubout",
        "-outform",
        "DER",
    ]
    try:
        public = subprocess.run(decrypt, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert public[-32:] == encrypted[1].public_bytes
    parse = ["openssl", "asn1parse", "-in", str(encrypted[0])]
    shown = subprocess.run(parse, capture_output=True, check=True, text=True).stdout
    assert f":{PBKDF2_ROUNDS:06X}" in shown
    assert "aes-256-cbc" in shown


def test_two_files_of_one_key_under_one_passphrase_have_nothing_in_common(
    encrypted: tuple[Path, SigningKey], tmp_path: Path
) -> None:
    write_encrypted(tmp_path / "again.pem", encrypted[1], PASSPHRASE)
    assert (tmp_path / "again.pem").read_bytes()[130:] != encrypted[0].read_bytes()[130:]


@pytest.mark.parametrize("wrong", [b"another horse battery", b"", PASSPHRASE + b" ", b"x" * 5000])
def test_a_wrong_passphrase_is_refused_and_nothing_leaks(encrypted: tuple[Path, SigningKey], wrong: bytes) -> None:
    with pytest.raises(KeySourceError, match="passphrase is wrong or the file is damaged") as refusal:
        read_key(encrypted[0], lambda: wrong)
    assert refusal.value.__suppress_context__
    told = "".join(traceback.format_exception(refusal.value))
    assert "another horse" not in told
    assert "Details" not in told


def test_an_encrypted_key_without_a_passphrase_is_refused(encrypted: tuple[Path, SigningKey]) -> None:
    with pytest.raises(KeySourceError, match="needs its passphrase"):
        read_key(encrypted[0])


def test_an_offline_key_left_unencrypted_is_noticed(tmp_path: Path) -> None:
    write_unencrypted(tmp_path / "key.pem", new_key())
    with pytest.raises(KeySourceError, match="not encrypted"):
        read_key(tmp_path / "key.pem", never_asked)


@pytest.mark.parametrize("passphrase", [b"", b"fourteen chars", "é".encode() * 14, b"x" * 1024, b"\xff" * 20])
def test_a_passphrase_too_short_too_long_or_no_text_is_refused(tmp_path: Path, passphrase: bytes) -> None:
    with pytest.raises(KeySourceError, match="passphrase") as refusal:
        write_encrypted(tmp_path / "key.pem", new_key(), passphrase)
    assert "fourteen" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_for_its_owner_only_and_so_is_a_new_directory(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys" / "online.pem"
    write_unencrypted(path, new_key())
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["online.pem"]


@pytest.mark.parametrize("write", [write_unencrypted, lambda path, key: write_encrypted(path, key, PASSPHRASE)])
def test_an_existing_file_is_never_overwritten(tmp_path: Path, write: Callable[[Path, SigningKey], None]) -> None:
    (tmp_path / "key.pem").write_text("mine")
    with pytest.raises(KeySourceError, match="exists already"):
        write(tmp_path / "key.pem", new_key())
    assert (tmp_path / "key.pem").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["key.pem"]


def test_a_dangling_link_is_not_followed_when_writing(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeySourceError, match="exists already"):
        write_unencrypted(tmp_path / "key.pem", new_key())
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_others_can_change_gets_no_key(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(KeySourceError, match="others can change the directory"):
        write_unencrypted(tmp_path / "shared" / "key.pem", new_key())
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeySourceError, match="No space left"):
        write_unencrypted(tmp_path / "key.pem", new_key())
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(KeySourceError, match="cannot be written"):
        write_unencrypted(tmp_path / "keys" / "key.pem", new_key())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_key_file_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    write_unencrypted(tmp_path / "key.pem", new_key())
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(KeySourceError, match="others can read or change"):
        read_key(tmp_path / "key.pem")


def test_a_missing_file_a_directory_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeySourceError, match="cannot be read: No such file"):
        read_key(tmp_path / "missing.pem")
    with pytest.raises(KeySourceError):
        read_key(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeySourceError, match="not a regular file"):
        read_key(tmp_path / "pipe", never_asked)


EC_KEY = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (b"\x00" * 100, "no private key"),
        (EC_KEY, "not an Ed25519 key"),
        (b" " * 16_385, "too large"),
    ],
    ids=["empty", "damaged", "binary", "another kind", "too large"],
)
def test_a_file_without_an_ed25519_key_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeySourceError, match=why):
        read_key(path)


def test_a_damaged_encrypted_file_is_refused(encrypted: tuple[Path, SigningKey], tmp_path: Path) -> None:
    good = encrypted[0].read_bytes()
    for name, content in {"cut": good[:-80], "changed": good.replace(good[100:104], b"AAAA")}.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
        with pytest.raises(KeySourceError, match="damaged"):
            read_key(tmp_path / name, asked)


def test_a_signing_key_shows_and_hands_out_nothing_but_its_key_id() -> None:
    key = new_key()
    assert repr(key) == str(key) == f"SigningKey(kid={key.kid!r})"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            leak(key)


def test_keys_are_equal_when_their_key_ids_are() -> None:
    key = new_key()
    assert key == SigningKey(key.private_key)
    assert key != new_key()
    assert key.verification_key(Purpose.CERTIFICATE).kid == key.kid


def test_a_key_signs_for_tuf() -> None:
    key = new_key()
    signer = tuf_signer(key)
    signer.public_key.verify_signature(signer.sign(b"metadata"), b"metadata")
    assert signer.public_key.keytype == "ed25519"
    assert signer.public_key.keyval == {"public": key.public_bytes.hex()}
