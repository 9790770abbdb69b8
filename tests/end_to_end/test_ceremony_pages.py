"""A team of three begins, adds a product and replaces a lost key with the commands of docs/ceremonies, word by word."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.ceremony import PASSPHRASE, Ran, Team

PAGES = Path(__file__).resolve().parents[2] / "docs" / "ceremonies"
SERVER = "https://updates.example.com"


@dataclass
class Reader:
    """Somebody who follows the pages. Public files and drafts are passed round: all lie in one folder, as if mailed."""

    team: Team
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def commands(self, page: str, section: str = "") -> list[str]:
        """The ``tenure`` commands of a page, or of the part of it under a heading."""
        text = (PAGES / page).read_text(encoding="utf-8")
        if section:
            text = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip().startswith("tenure ")]

    def follow(
        self, commands: Sequence[str], *, signers: Sequence[str], written: Mapping[str, str] | None = None
    ) -> list[Ran]:
        """Each command; what the page has one person sign, all of these people sign. ``written``: what stands on the
        page for what only the day itself knows."""
        done = []
        for command in commands:
            for person in signers if " sign " in command else (signers[0],):
                done.append(self._type(command.replace("--key ada.pem", f"--key {person}.pem"), person, written or {}))
        return done

    def _type(self, command: str, person: str, written: Mapping[str, str]) -> Ran:
        for placeholder, meant in written.items():
            command = command.replace(placeholder, meant)
        words = shlex.split(command.replace(SERVER, self.team.serves or SERVER), comments=True)[1:]
        target = words.pop() if ">" in words else None
        if target is not None:
            words.remove(">")
        for word in words:
            if word.endswith(".pem") and not (self.folder / word).exists() and "new" not in words:
                shutil.copy(self.team.person(word.removesuffix(".pem")) / "key.pem", self.folder / word)
        self.monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        ran = self.team.run(*words, at=self.team.person(person) if self.team.serves and "--server" in words else None)
        assert ran.code == 0, f"{command}\n{ran.err}"
        if target is not None:
            (self.folder / target).write_text(ran.out)
        if self.team.root_file.exists():
            shutil.copy(self.team.root_file, self.folder / "root.json")
        return ran


def test_a_team_of_three_does_a_whole_ceremony_from_the_pages_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("tenure_signing.pkcs8_encryption.PBKDF2_ROUNDS", 2_048)
    folder = tmp_path / "mail"
    folder.mkdir()
    monkeypatch.chdir(folder)
    team = Team(tmp_path)
    reader = Reader(team, folder, monkeypatch)

    reader.follow(reader.commands("keys.md")[:3], signers=("ada",))
    team.people["ada"] = tmp_path / "ada"
    team.people["ada"].mkdir()
    shutil.copy(folder / "ada.pem", team.people["ada"] / "key.pem")
    shutil.copy(folder / "ada.json", team.people["ada"] / "ada.json")
    for name in ("bo", "cyn", "dee", "eng", "eve"):
        shutil.copy(team.public(name), folder)

    begun = reader.commands("beginning.md")
    reader.follow(begun, signers=("ada", "bo"))
    assert team.repository().root().roles["root"].threshold == 2

    reader.follow(reader.commands("add-a-product.md"), signers=("ada", "bo", "eng", "eve"))
    added = folder / "add-cad.json"  # the page says so in a sentence
    team.did("trust", "submit", added)
    client, path = team.new_client(), team.publish("cad", "1.0", "eng", "eve")
    assert team.finds(client, path)

    network = "over-the-network.md"
    tokens = [command.replace("Ada", name.title()) for name in ("ada", "bo") for command in
              reader.commands(network, "Tokens")]  # fmt: skip
    for name, ran in zip(("ada", "bo"), reader.follow(tokens, signers=("ada",)), strict=True):
        team.tokens[name] = ran.out.strip()
    keys = {"3fa29c01": team.key_id("ada")[:8], "99ab12cd": team.key_id("bo")[:8]}
    commands = reader.commands(network, "A ceremony")
    drafted = [command for command in commands if "1a2b" not in command]
    with team.serving():
        pushed = reader.follow(drafted, signers=("ada",), written=keys)[1]
        code = re.search(r"code +([0-9a-f]{4})", pushed.out)
        assert code is not None
        signed = [command for command in commands if "1a2b" in command]
        reader.follow(signed, signers=("ada", "bo"), written={"1a2b": code[1]})
    assert team.key_id("dee") in team.repository().root().roles["root"].keyids
    assert team.key_id("cyn") not in team.repository().root().roles["root"].keyids
    for each in (client, team.new_client()):
        assert team.finds(each, path)
    team.close()
