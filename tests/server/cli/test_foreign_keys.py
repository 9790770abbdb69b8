"""A machine whose keys are not those of the database, as when ``tenure init`` ran on the second machine too."""

from __future__ import annotations

import shutil
from pathlib import Path

import urllib3

from tests.server.cli.at_the_terminal import Operator


def second_machine(first: Operator, folder: Path) -> Operator:
    """Set up by itself, then given the first one's database."""
    folder.mkdir()
    second = Operator(folder)
    second.did("init")
    second.settings = {"TENURE_DATABASE_URL": f"sqlite:///{first.data_dir / 'tenure.db'}"}
    return second


def test_a_machine_with_keys_of_its_own_neither_serves_nor_sells(operator: Operator, tmp_path: Path) -> None:
    """It sold keys that nobody could verify, and said it was ready."""
    second = second_machine(operator, tmp_path / "second")
    refused = second.run("serve", "--port", "0")
    assert (refused.code, "snapshot key" in refused.error) == (1, True)
    for name in ("snapshot", "timestamp"):
        shutil.copy(operator.data_dir / "keys" / "online" / f"{name}.pem", second.data_dir / "keys" / "online")
    refused = second.run("serve", "--port", "0")
    assert "not those that are published" in refused.error
    assert "keys/online" in refused.hint
    order = ("--product", "cad", "--edition", "pro", "--customer", "Ada Tan", "--price", "1000.00")
    sale = second.run("licence", "issue", *order)
    assert (sale.code, "not those that are published" in sale.error) == (1, True)
    assert operator.did("licence", "list", "--json").json == []
    shutil.copytree(operator.data_dir / "keys" / "online", second.data_dir / "keys" / "online", dirs_exist_ok=True)
    second.did("licence", "issue", *order)
    with second.serving() as server:
        assert server.end() == 0


def test_new_online_keys_come_into_use_on_every_machine_that_was_given_them(operator: Operator, tmp_path: Path) -> None:
    second = second_machine(operator, tmp_path / "second")
    theirs, ours = operator.data_dir / "keys" / "online", second.data_dir / "keys" / "online"
    shutil.rmtree(ours)
    shutil.copytree(theirs, ours)
    draft = tmp_path / "online.json"
    operator.did("trust", "draft", "online-keys", "--licence-keys", "retire", "--out", draft)
    shutil.copytree(theirs / "next", ours / "next")
    offline = operator.data_dir / "keys" / "offline"
    root = operator.data_dir / "root.json"
    for holder in ("root", "targets"):
        operator.did("trust", "sign", draft, "--yes", "--root", root, "--key", offline / f"{holder}.pem")
    operator.did("trust", "submit", draft)
    with second.serving() as server:
        assert urllib3.request("GET", f"{server.url}/healthz", timeout=30).status == 200
        assert "now in use: the new snapshot, timestamp, licence, certificate keys" in server.log.read_text()
    second.did("licence", "issue", "--product", "cad", "--edition", "pro", "--customer", "Ada Tan", "--price", "1")
    assert not any((ours / "next").iterdir())
