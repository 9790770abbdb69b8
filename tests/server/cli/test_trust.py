"""``tenure trust`` at the terminal: what it shows, asks and refuses. The ceremonies themselves are end-to-end tests."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from tenure_server.cli.main import app
from tests.end_to_end.ceremony import PASSPHRASE, Team


@pytest.fixture(scope="module")
def shared_team(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
        patch.setattr("tenure_signing.pkcs8_encryption.PBKDF2_ROUNDS", 2_048)
        team = Team(tmp_path_factory.mktemp("team"))
        team.begin()
        team.add_product("cad", "eng", threshold=1, signers=("ada", "bo"))
        for name in ("dee", "fay"):
            team.person(name)
        yield team


@pytest.fixture
def team(shared_team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Not to be changed by these tests; drafts go to ``tmp_path``."""
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    return shared_team


def renewal(team: Team, directory: Path) -> Path:
    path = directory / "renewal.json"
    team.did("trust", "draft", "renew", "targets", "--out", path)
    return path


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_a_review_in_json_has_everything(team: Team, tmp_path: Path) -> None:
    reviewed = team.did("trust", "review", renewal(team, tmp_path), "--json").json
    assert reviewed["purpose"] == "renew targets"
    assert reviewed["roles"][0] | {"expires": "", "expires_before": ""} == {
        "role": "targets",
        "version_before": 2,
        "version": 3,
        "expires_before": "",
        "expires": "",
        "unchanged": ["_trust/licence-keys.json"],
        "changes": [],
    }
    assert reviewed["signatures"][0]["threshold"] == 2
    assert reviewed["complete"] is False


def test_a_draft_cannot_steer_the_terminal_of_who_reviews_it(team: Team, tmp_path: Path) -> None:
    hostile = "harmless\x1b[2J\x1b[1;1H\nsignatures  root: 2 of 2\u202e"
    path = edited(renewal(team, tmp_path), lambda draft: draft.update(purpose=hostile))
    edited(path, lambda draft: draft["names"].update({team.key_id("ada"): "Ada\r\x1b[31m"}))
    shown = team.did("trust", "review", path).out
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert "\u202e" not in shown
    assert "purpose     harmless\\u001b[2J" in shown


def test_somebody_who_says_no_has_signed_nothing(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = renewal(team, tmp_path)
    before = path.read_bytes()
    arguments = ("trust", "sign", path, "--key", team.person("ada") / "key.pem", "--root", team.root_file)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    refused = team.run(*arguments)
    assert "targets  version 2 to 3" in refused.err
    assert "nothing was signed" in refused.err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert team.run(*arguments).code != 0
    assert path.read_bytes() == before
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert team.run(*arguments).code == 0
    assert path.read_bytes() != before


def test_nobody_signs_without_a_root_of_their_own_to_go_by(team: Team, tmp_path: Path) -> None:
    path = renewal(team, tmp_path)
    arguments = ("trust", "sign", path, "--key", team.person("ada") / "key.pem", "--yes")
    refused = team.run(*arguments, at=tmp_path / "elsewhere")
    assert refused.code == 1
    assert "pass --root FILE: the root.json that your products embed" in refused.err


def test_nobody_signs_what_follows_forged_metadata(team: Team, tmp_path: Path) -> None:
    def smuggle(draft: dict[str, Any]) -> None:
        targets = json.loads(draft["base"]["roles"]["targets"])
        targets["signed"]["expires"] = "2030-01-01T00:00:00Z"
        draft["base"]["roles"]["targets"] = json.dumps(targets)

    path = edited(renewal(team, tmp_path), smuggle)
    for arguments in (("review", path), ("sign", path, "--key", team.person("ada") / "key.pem", "--yes")):
        refused = team.run("trust", *arguments)
        assert "the targets that the draft follows is not signed as root asks" in refused.err


def test_a_wrong_passphrase_signs_nothing_and_is_not_repeated(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_PASSPHRASE", "another passphrase, just as long")
    path = renewal(team, tmp_path)
    before = path.read_bytes()
    refused = team.run("trust", "sign", path, "--key", team.person("ada") / "key.pem", "--yes")
    assert "the passphrase is wrong" in refused.err
    assert "another passphrase" not in refused.err
    assert path.read_bytes() == before


def test_the_code_is_shown_at_every_step(team: Team, tmp_path: Path) -> None:
    path = renewal(team, tmp_path)
    code = team.did("trust", "review", path, "--json").json["code"]
    team.did("trust", "sign", path, "--key", team.person("ada") / "key.pem", "--yes")
    assert code in team.did("trust", "review", path).out
    assert code in team.run("trust", "status", path).out
    assert team.run("trust", "status", path, "--json").json["code"] == code


def test_different_drafts_are_not_merged(team: Team, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, other = renewal(team, tmp_path), edited(renewal(team, tmp_path / "b"), lambda draft: draft.update(purpose="x"))
    assert "different drafts" in team.run("trust", "merge", one, other, "--out", tmp_path / "c.json").err
    assert not (tmp_path / "c.json").exists()


def test_a_draft_file_is_not_overwritten(team: Team, tmp_path: Path) -> None:
    path = renewal(team, tmp_path)
    refused = team.run("trust", "draft", "renew", "targets", "--out", path)
    assert "exists already and was left as it is" in refused.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("draft", "root"), "nothing changes"),
        (("draft", "root", "--root-key", "0123"), "neither a public key file nor the beginning of one present key id"),
        (("draft", "root", "--root-key", "nowhere.json"), "nowhere.json cannot be read"),
        (("draft", "root", "--threshold", "4"), "4 of 3 keys cannot sign a role"),
        (("draft", "root", "--threshold", "0", "--targets-threshold", "2"), "0 of 3 keys cannot sign a role"),
        (("draft", "renew"), "no role is due"),
        (("draft", "renew", "snapshot"), "snapshot is renewed by the server"),
        (("draft", "renew", "cam"), "there is no product cam"),
        (("draft", "retire-product", "cam"), "there is no product cam"),
        (("draft", "product-keys", "cam"), "there is no product cam"),
        (("draft", "product-keys", "Root"), "a product name is"),
        (("draft", "withdraw", "cad", "--version", "9.9", "--reason", "x"), "cad 9.9 was never published"),
        (("draft", "licence-keys"), "nothing changes"),
        (("draft", "licence-keys", "--retire", "nobody"), "no key with this key id"),
        (("draft", "online-keys", "--licence-keys", "sell"), "sell"),
    ],
)
def test_what_cannot_be_drafted_is_said(team: Team, tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    refused = team.run("trust", *arguments, "--out", tmp_path / "draft.json")
    assert refused.code != 0
    assert complaint in refused.err
    assert not (tmp_path / "draft.json").exists()


def test_the_same_key_is_not_given_twice(team: Team, tmp_path: Path) -> None:
    keys = team.option("--root-key", "dee", "dee")
    refused = team.run("trust", "draft", "root", *keys, "--threshold", "2", "--out", tmp_path / "draft.json")
    assert "a key is given twice" in refused.err


def test_a_product_that_is_there_is_not_added_again(team: Team, tmp_path: Path) -> None:
    keys = team.option("--key", "dee")
    refused = team.run(
        *("trust", "draft", "add-product", "cad", "--edition", "pro", *keys, "--threshold", "1"),
        *("--out", tmp_path / "draft.json"),
    )
    assert "the product cad is already there" in refused.err


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "other"},
        {"editions": []},
        {"editions": ["PRO!"]},
        {"channels": "stable"},
        {"service_packs": "always"},
        {"lapse": None},
    ],
)
def test_product_settings_that_were_tampered_with_are_refused(
    team: Team, tmp_path: Path, settings: dict[str, Any]
) -> None:
    path = tmp_path / "draft.json"
    keys = team.option("--key", "dee")
    arguments = ("trust", "draft", "add-product", "cam", "--edition", "pro", *keys, "--threshold", "1", "--out", path)
    assert "WARNING  one key alone can sign releases of cam" in team.did(*arguments).out
    edited(path, lambda draft: draft["product_settings"].update(settings))
    team.sign(path, "ada", "bo", "dee")
    refused = team.run("trust", "submit", path)
    assert refused.code == 1
    assert "product" in refused.err
    assert "cam" not in team.repository().roles


def test_recovery_wants_to_know_what_happened(team: Team, tmp_path: Path) -> None:
    assert "--after-restore for a restored backup" in team.run("trust", "recover").err
    missing = team.run("trust", "recover", "--after-restore", "--seen", tmp_path / "nowhere")
    assert "there is no" in missing.err


def test_before_the_first_root_status_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("tenure_signing.pkcs8_encryption.PBKDF2_ROUNDS", 2_048)
    team = Team(tmp_path)
    draft = tmp_path / "first.json"
    keys = team.option("--root-key", "ada", "bo")
    team.did("trust", "start", *keys, "--out", draft)
    refused = team.run("trust", "status")
    assert refused.code == 1
    assert "trust start" in refused.err
    assert "no root is published" in team.run("trust", "recover", "--after-restore").err


def test_status_lists_every_role_with_its_signers(team: Team) -> None:
    lines = {line.split()[0]: line for line in team.did("trust", "status").out.splitlines()}
    assert list(lines) == ["ROLE", "root", "targets", "snapshot", "timestamp", "cad"]
    assert "2 of 3" in lines["root"]
    assert "renewed by the server" in lines["snapshot"]
    assert "well" in lines["cad"]


# The pages that a team works from

PAGES = Path(__file__).resolve().parents[3] / "docs" / "ceremonies"


def commands_in_pages() -> list[tuple[str, str]]:
    """Each ``tenure …`` line of the pages, continued lines joined, with its page's name."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            lines = [line.strip() for line in block.replace("\\\n", " ").splitlines()]
            found += [(page.name, line) for line in lines if line.startswith("tenure ")]
    return found


@pytest.mark.parametrize(("page", "line"), commands_in_pages())
def test_every_command_of_the_pages_exists_with_the_options_given(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_every_page_is_listed_and_every_listed_page_is_there() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (PAGES / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in PAGES.glob("*.md")} - {"README.md"}
