"""``tenure keys``: made, shown and handed out without ever showing the private half; tokens and key services too."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure_server.cli.main import main
from tenure_signing.errors import KeySourceError
from tenure_signing.key_sources import new_key, read_key, tuf_signer, write_unencrypted
from tenure_signing.public_keys import PublicKey
from tenure_signing.signer_uris import open_signer
from tests.server.cli.aws_kms import KEY_ID, KeyService, running_key_service
from tests.services.softhsm import LABEL, P384, PIN, SoftHsm

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("tenure_signing.pkcs8_encryption.PBKDF2_ROUNDS", 2_048)


def test_a_new_key_is_encrypted_and_only_its_public_half_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ada" / "root.pem"
    assert main(["keys", "new", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    key = read_key(path, PASSPHRASE.encode)
    assert said == {
        "path": str(path),
        "key_id": tuf_signer(key).public_key.keyid,
        "type": "ed25519",
        "scheme": "ed25519",
        "statement_key_id": key.kid,
        "public": key.public_bytes.hex(),
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    for uri in (f"file:{path}", str(path)):
        assert main(["keys", "show", uri, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {name: said[name] for name in said if name != "path"}


def test_a_key_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "root.pem"
    assert main(["keys", "new", str(path)]) == 0
    before = path.read_bytes()
    assert main(["keys", "new", str(path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_the_public_key_file_is_what_a_ceremony_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "root.pem", tmp_path / "ada.json"
    main(["keys", "new", str(path)])
    assert main(["keys", "public", str(path), "--out", str(out), "--name", "Ada"]) == 0
    public = PublicKey.from_json(out.read_bytes())
    assert (public.name, public.key) == ("Ada", tuf_signer(read_key(path, PASSPHRASE.encode)).public_key)
    assert main(["keys", "public", str(path), "--out", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["keys", "show", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["key_id"] == public.keyid


def test_without_a_passphrase_and_somebody_to_ask_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TENURE_PASSPHRASE")
    assert main(["keys", "new", str(tmp_path / "root.pem")]) == 1
    assert "TENURE_PASSPHRASE_FILE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_short_passphrase_is_refused_and_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_PASSPHRASE", "hunter2")
    assert main(["keys", "new", str(tmp_path / "root.pem")]) == 1
    err = capsys.readouterr().err
    assert "at least 15 characters" in err
    assert "hunter2" not in err


def test_a_key_in_the_open_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "open.pem"
    write_unencrypted(path, new_key())
    assert main(["keys", "show", f"file:{path}"]) == 1
    assert "is not encrypted" in capsys.readouterr().err
    assert main(["keys", "show", f"file2:{path}"]) == 1
    assert "use file:" in capsys.readouterr().err


# Tokens, with SoftHSM


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_PASSPHRASE", PIN)


@pytest.mark.parametrize(("number", "curve", "bits"), [(2, "secp256r1", 256), (3, P384, 384)])
def test_a_key_on_a_token_is_shown_and_signs(
    softhsm: SoftHsm, pin: None, capsys: pytest.CaptureFixture[str], number: int, curve: str, bits: int
) -> None:
    uri = softhsm.new_key(number, curve)
    assert main(["keys", "show", uri, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["scheme"] == f"ecdsa-sha2-nistp{bits}"
    signer = open_signer(uri, lambda what: PIN.encode())
    assert signer.public_key.keyid == shown["key_id"]
    signer.public_key.verify_signature(signer.sign(b"data"), b"data")


def test_a_wrong_pin_is_tried_once_and_said_to_be_wrong(softhsm: SoftHsm) -> None:
    asked: list[str] = []

    def wrong(what: str) -> bytes:
        asked.append(what)
        return b"another pin altogether"

    uri = softhsm.new_key(11)
    signer = open_signer(uri, wrong)
    with pytest.raises(KeySourceError, match="the PIN is wrong; a token locks itself") as refused:
        signer.sign(b"data")
    assert "another pin" not in str(refused.value)
    assert asked == [f"the PIN of {uri}"]


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("hsm:2?label=nobody", "No PKCS#11 token found for label nobody"),
        (f"hsm:99?label={LABEL}", "could not find ECDSA key on the PKCS#11 token"),
    ],
)
def test_a_token_or_key_that_is_not_there_is_named(
    softhsm: SoftHsm, pin: None, capsys: pytest.CaptureFixture[str], uri: str, complaint: str
) -> None:
    assert main(["keys", "show", uri]) == 1
    assert complaint in capsys.readouterr().err


def test_a_token_s_library_that_is_none_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, softhsm: SoftHsm, tmp_path: Path
) -> None:
    (tmp_path / "none.so").write_bytes(b"")
    monkeypatch.setenv("PYKCS11LIB", str(tmp_path / "none.so"))
    assert main(["keys", "show", "hsm:2"]) == 1
    assert "hsm:2 cannot be used" in capsys.readouterr().err


# A key service


@pytest.fixture
def key_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyService]:
    with running_key_service() as (url, service):
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret of the test")
        yield service


def test_a_key_in_aws_kms_signs_without_leaving_it(key_service: KeyService, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"awskms:{KEY_ID}"
    assert main(["keys", "show", uri, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["scheme"] == "ecdsa-sha2-nistp256"
    signer = open_signer(uri, lambda what: b"")
    signer.public_key.verify_signature(signer.sign(b"data"), b"data")
    assert signer.public_key.keyid == shown["key_id"]
    assert key_service.asked == ["GetPublicKey", "GetPublicKey", "Sign"]


def test_what_a_key_service_refuses_is_said_without_its_words(
    key_service: KeyService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "show", "awskms:alias/another"]) == 1
    err = capsys.readouterr().err
    assert "awskms:alias/another cannot be used: it answered with NotFoundException" in err
    assert "AKIDSECRET" not in err
