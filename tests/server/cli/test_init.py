"""``tenure init``: once, again, and after somebody pulled the plug."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import Operator


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_says_what_to_embed_what_to_keep_offline_and_what_comes_next(newcomer: Operator) -> None:
    said = newcomer.did("init")
    assert "embed in your product" in said.out
    assert str(newcomer.data_dir / "root.json") in said.out
    assert str(newcomer.data_dir / "keys" / "offline" / "root.pem") in said.out
    assert "tenure product add" in said.out
    assert said.err == "warning: root and targets are signed by one key each; larger teams want two of three\n"


def test_programs_learn_the_paths(newcomer: Operator) -> None:
    assert newcomer.did("init", "--json").json == {
        "data_dir": str(newcomer.data_dir),
        "root": str(newcomer.data_dir / "root.json"),
        "offline_keys": str(newcomer.data_dir / "keys" / "offline"),
    }


def test_everything_secret_is_its_owners_only(newcomer: Operator) -> None:
    os.umask(os.umask(0o022))
    newcomer.did("init")
    keys = newcomer.data_dir / "keys"
    for directory in (newcomer.data_dir, keys, keys / "online", keys / "offline"):
        assert mode_of(directory) == 0o700, directory
    for file in (newcomer.data_dir / "tenure.db", *keys.rglob("*.pem"), keys / "online" / "server.secret"):
        assert mode_of(file) == 0o600, file


def test_a_data_directory_that_others_could_enter_is_closed(newcomer: Operator) -> None:
    newcomer.data_dir.mkdir(mode=0o755)
    newcomer.did("init")
    assert mode_of(newcomer.data_dir) == 0o700


def test_init_twice_keeps_root_and_keys(newcomer: Operator) -> None:
    newcomer.did("init")
    root = (newcomer.data_dir / "root.json").read_bytes()
    keys = {path: path.read_bytes() for path in (newcomer.data_dir / "keys").rglob("*") if path.is_file()}
    assert "ready" in newcomer.did("init").out
    assert (newcomer.data_dir / "root.json").read_bytes() == root
    assert {path: path.read_bytes() for path in (newcomer.data_dir / "keys").rglob("*") if path.is_file()} == keys
    assert newcomer.audit_trail() == ["server.initialise"]


def test_once_the_offline_keys_are_moved_away_init_confirms_and_makes_no_others(operator: Operator) -> None:
    offline = operator.data_dir / "keys" / "offline"
    offline.rename(operator.directory / "stick")
    (operator.data_dir / "root.json").unlink()
    said = operator.did("init", TENURE_PASSPHRASE_FILE=None)
    assert "ready" in said.out
    assert (operator.data_dir / "root.json").exists()
    assert not offline.exists()


def test_a_database_whose_keys_are_elsewhere_is_left_alone(operator: Operator) -> None:
    (operator.data_dir / "keys").rename(operator.directory / "elsewhere")
    refused = operator.run("init")
    assert refused.code == 1
    assert "does not hold the snapshot key" in refused.error
    assert not list((operator.data_dir / "keys").rglob("*.pem"))


def test_a_passphrase_that_is_too_short_is_refused_before_any_key_is_made(newcomer: Operator) -> None:
    refused = newcomer.run("init", TENURE_PASSPHRASE_FILE=None, TENURE_PASSPHRASE="too short")
    assert refused.code == 1
    assert "15 characters" in refused.error
    assert "too short" not in refused.err.replace("is too short", "")
    assert not list(newcomer.data_dir.rglob("*.pem"))
    newcomer.did("init")


def test_init_broken_off_after_the_first_key_does_not_take_another_passphrase_for_the_second(
    newcomer: Operator,
) -> None:
    newcomer.did("init")
    offline = newcomer.data_dir / "keys" / "offline"
    (offline / "targets.pem").unlink()
    for file in newcomer.data_dir.glob("tenure.db*"):
        file.unlink()
    refused = newcomer.run("init", TENURE_PASSPHRASE_FILE=None, TENURE_PASSPHRASE="incorrect horse battery")
    assert "the passphrase is wrong" in refused.error
    assert "incorrect" not in refused.err
    assert not (offline / "targets.pem").exists()
    newcomer.did("init")
    assert (offline / "targets.pem").exists()


def test_without_a_terminal_or_a_passphrase_init_says_where_to_put_one(newcomer: Operator) -> None:
    refused = newcomer.really("init", TENURE_PASSPHRASE_FILE=None)
    assert refused.code == 1
    assert "passphrase" in refused.error
    assert "TENURE_PASSPHRASE_FILE" in refused.hint
    assert newcomer.really("init").code == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "cannot be read"), ("x" * 5000, "too large")],
    ids=["missing", "huge"],
)
def test_a_passphrase_file_that_cannot_be_used_is_named(newcomer: Operator, text: str | None, problem: str) -> None:
    if text is None:
        newcomer.passphrase_file.unlink()
    else:
        newcomer.passphrase_file.write_text(text)
    refused = newcomer.run("init")
    assert problem in refused.error
    assert str(newcomer.passphrase_file) in refused.error


def test_a_data_directory_that_cannot_be_made_is_named(newcomer: Operator) -> None:
    (newcomer.directory / "tenure-data").write_text("a file is in the way")
    refused = newcomer.run("init")
    assert refused.code == 1
    assert str(newcomer.data_dir) in refused.error
