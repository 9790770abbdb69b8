"""``tenure drafts``: two engineers with a key each, on machines of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.local_uploads import LocalUploads
from tenure_server.app import create_app
from tests.server.cli.at_the_terminal import Operator, Ran
from tests.services.web_server import running_web_server


@dataclass
class Engineer:
    """Somebody with a key of the product, a token of their own and the first root."""

    terminal: Operator
    url: str
    token: str
    key: Path
    root: Path

    def run(self, *arguments: object) -> Ran:
        return self.terminal.run(*arguments, "--server", self.url, "--root", self.root, TENURE_TOKEN=self.token)

    def did(self, *arguments: object) -> Any:
        ran = self.run(*arguments, "--json")
        assert ran.code == 0, ran.err
        return ran.json

    def publish(self, version: str, *options: str) -> Any:
        build = self.terminal.build(f"cad-{version}.zip")
        facts = ("--product", "cad", "--version", version, "--platform", "any", "--edition", "pro", "--yes")
        return self.did("publish", build, *facts, "--channel", "beta", "--key", f"file:{self.key}", *options)

    def sign(self, draft: Any, code: str | None = None) -> Any:
        given = ("--code", code or draft["code"], "--key", f"file:{self.key}")
        return self.did("drafts", "sign", draft["id"], *given)["draft"]


@dataclass
class Pair:
    operator: Operator
    aminah: Engineer
    ben: Engineer

    def versions(self) -> list[str]:
        return [release["version"] for release in self.operator.did("releases", "--json").json]


@pytest.fixture
def pair(operator: Operator, tmp_path: Path) -> Iterator[Pair]:
    """The product cad takes both keys."""
    installation, address = operator.installation(), list[str]()
    store = installation.store
    assert isinstance(store, LocalStore)
    vars(installation)["upload_store"] = LocalUploads(
        store,
        operator.data_dir / "store",
        base_url=lambda: address[0],
        link_key=b"k" * 32,
        clock=installation.signing_clock,
    )
    offline = operator.data_dir / "keys" / "offline"
    keys = {"Aminah": offline / "product-cad.pem", "Ben": tmp_path / "ben.pem"}
    operator.did("keys", "new", keys["Ben"])
    public = []
    for name, key in keys.items():
        public.append(tmp_path / f"{name}.json")
        operator.did("keys", "public", key, "--out", public[-1], "--name", name)
    draft = tmp_path / "keys.draft"
    options = [word for file in public for word in ("--key", file)]
    operator.did("trust", "draft", "product-keys", "cad", *options, "--threshold", "2", "--out", draft)
    for key in (offline / "targets.pem", *keys.values()):
        operator.did("trust", "sign", draft, "--key", f"file:{key}", "--yes")
    operator.did("trust", "submit", draft)

    engineers = []
    with running_web_server(create_app(installation)) as url:
        address.append(url)
        for name, key in keys.items():
            folder = tmp_path / f"{name} laptop"
            folder.mkdir()
            scope = ("--scope", "publish", "--product", "cad", "--days", "9")
            token = operator.did("token", "create", "--name", "laptop", *scope, "--person", name).out.strip()
            engineers.append(Engineer(Operator(folder), url, token, key, operator.data_dir / "root.json"))
        yield Pair(operator, *engineers)


def test_the_second_engineer_reviews_and_signs_and_the_release_is_published(pair: Pair) -> None:
    made = pair.aminah.publish("1.0", "--notes", "# First")["draft"]
    assert made["standing"] == "1 of 2 signatures"
    assert pair.versions() == []
    listed = pair.ben.run("drafts", "list")
    assert made["id"] in listed.out
    assert "publish" in listed.out
    review = pair.ben.run("drafts", "review", made["id"])
    assert review.code == 0, review.err
    for word in ("cad 1.0", "beta", "# First", "cad-1.0.zip", "sha256", "length", made["code"], "1 of 2"):
        assert word in review.out
    signed = pair.ben.sign(made)
    assert (signed["state"], pair.versions()) == ("published", ["1.0"])
    assert pair.ben.sign(made)["state"] == "published"
    assert pair.aminah.publish("1.0")["is_new"] is False


def test_a_build_server_without_a_key_makes_the_draft(pair: Pair) -> None:
    ci = pair.operator.did("token", "create", "--name", "ci", "--scope", "publish", "--product", "cad", "--days", "9")
    build = pair.ben.terminal.build("cad-1.0.zip")
    facts = ("--product", "cad", "--version", "1.0", "--platform", "any", "--edition", "pro", "--channel", "beta")
    where = ("--server", pair.ben.url, "--root", pair.ben.root, "--draft", "--yes", "--json")
    ran = pair.ben.terminal.did("publish", build, *facts, *where, TENURE_TOKEN=ci.out.strip())
    made = ran.json["draft"]
    assert (made["standing"], made["makers"][0][:8]) == ("0 of 2 signatures", "token ci")
    pair.ben.sign(made)
    assert pair.aminah.sign(made)["state"] == "published"


def test_the_same_command_goes_on_with_its_draft(pair: Pair) -> None:
    made = pair.aminah.publish("1.0")["draft"]
    assert pair.aminah.publish("1.0")["draft"] == made
    assert pair.ben.publish("1.0")["draft"]["state"] == "published"


def test_a_stale_draft_is_told_and_made_anew_by_one_command(pair: Pair) -> None:
    first = pair.aminah.publish("1.0")["draft"]
    pair.ben.sign(pair.aminah.publish("2.0")["draft"])
    refused = pair.ben.run("drafts", "sign", first["id"], "--code", first["code"], "--key", f"file:{pair.ben.key}")
    assert "something else of cad was published" in refused.error.lower()
    assert f"tenure drafts rebuild {first['id']}" in refused.hint
    key = f"file:{pair.ben.key}"
    again = pair.ben.did("drafts", "rebuild", first["id"], "--key", key, "--yes")["draft"]
    assert (again["id"], again["standing"]) == (first["id"], "1 of 2 signatures")
    assert pair.aminah.sign(again)["state"] == "published"
    assert sorted(pair.versions()) == ["1.0", "2.0"]


def test_nobody_signs_unseen(pair: Pair) -> None:
    made = pair.aminah.publish("1.0")["draft"]
    key = ("--key", f"file:{pair.ben.key}")
    for options, words in (
        (key, "nobody is here to look"),
        ((*key, "--yes"), "nobody is here to look"),
        ((*key, "--code", "0000"), "not the one given"),
        (("--code", made["code"]), "signing takes a key"),
    ):
        assert words in pair.ben.run("drafts", "sign", made["id"], *options).error.lower()
    other = pair.operator.data_dir / "keys" / "offline" / "root.pem"
    foreign = pair.ben.run("drafts", "sign", made["id"], "--code", made["code"], "--key", f"file:{other}")
    assert "is not one of cad's" in foreign.error
    assert pair.versions() == []


def test_promotion_withdrawal_and_resumption_go_the_same_way(pair: Pair) -> None:
    pair.ben.sign(pair.aminah.publish("1.0")["draft"])
    key = ("--key", f"file:{pair.aminah.key}", "--yes")
    made = pair.aminah.did("promote", "cad", "1.0", "--to", "stable", "--rollout", "10%", *key)["draft"]
    review = pair.ben.run("drafts", "review", made["id"]).out
    for word in ("promote cad 1.0", "stable", "10 %"):
        assert word in review
    assert pair.ben.sign(made)["state"] == "published"
    assert pair.operator.did("releases", "--json").json[0]["channel"] == "stable"
    assert pair.aminah.did("promote", "cad", "1.0", "--to", "stable", *key) == {"draft": None}

    pair.operator.did("rollout", "halt", "cad", "1.0", "--reason", "a crash")
    resume = pair.aminah.did("rollout", "resume", "cad", "1.0", *key)["draft"]
    assert resume["standing"] == "1 of 2 signatures"
    assert pair.ben.sign(resume)["state"] == "published"

    options = ("--product", "cad", "--version", "1.0", "--reason", "loses files", *key)
    withdrawal = pair.aminah.did("withdraw", *options)["draft"]
    assert "loses files" in pair.ben.run("drafts", "review", withdrawal["id"]).out
    assert pair.ben.sign(withdrawal)["state"] == "published"
    assert pair.operator.did("releases", "--json").json[0]["withdrawn"]["reason"] == "loses files"


def test_approvals_are_raised_by_one_and_lowered_by_drafts(pair: Pair) -> None:
    assert pair.operator.did("product", "approvals", "cad", "1", "--json").json["approvals"] == 1
    assert pair.operator.did("product", "approvals", "cad").out == "Drafts of cad take 1 approval of other people.\n"
    assert "takes 1 approvals" in pair.operator.run("product", "approvals", "cad", "0").error
    made = pair.aminah.did("product", "approvals", "cad", "0")["draft"]
    own = pair.aminah.run("drafts", "approve", made["id"], "--code", made["code"])
    assert "somebody else has to approve" in own.error.lower()
    assert "from then on drafts of cad take 0 approvals" in pair.ben.run("drafts", "review", made["id"]).out
    assert pair.ben.did("drafts", "approve", made["id"], "--code", made["code"])["draft"]["state"] == "published"
    assert pair.operator.did("product", "approvals", "cad", "--json").json["approvals"] == 0


def test_a_scheduled_release_is_shown_and_can_be_cancelled(pair: Pair) -> None:
    at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    made = pair.aminah.publish("1.0", "--publish-at", at.isoformat())["draft"]
    assert made["released_on"] == at.date().isoformat()
    assert f"{at:%Y-%m-%d %H:%M} UTC" in pair.ben.run("drafts", "review", made["id"]).out
    assert pair.ben.sign(made)["standing"] == f"scheduled for {at:%Y-%m-%d %H:%M} UTC"
    assert f"scheduled for {at:%Y-%m-%d %H:%M} UTC" in pair.operator.did("releases").out
    assert made["id"] in pair.operator.did("drafts", "list").out
    cancelled = pair.ben.did("drafts", "cancel", made["id"], "--reason", "not yet")["draft"]
    assert cancelled["standing"] == "cancelled: not yet"
    assert pair.operator.did("drafts", "list").out == "No draft is under way.\n"
    assert made["id"] in pair.operator.did("drafts", "list", "--all").out
