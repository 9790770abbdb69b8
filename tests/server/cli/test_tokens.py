"""``tenure token`` and ``tenure audit`` as operators use them."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from tenure_server.domain.audit_chain import FIRST_DIGEST
from tests.server.cli.at_the_terminal import Operator

PUBLISHING = ("--scope", "publish", "--product", "cad", "--days", "30")


def test_a_token_is_printed_once_alone_on_standard_output(operator: Operator) -> None:
    made = operator.did("token", "create", "--name", "GitHub", *PUBLISHING)
    assert re.fullmatch(r"tenure_[a-z2-7]{12}_[a-z2-7]{32}\n", made.out)
    assert "publish of cad" in made.err
    assert made.out.strip() not in made.err
    listed = operator.did("token", "list")
    assert "GitHub" in listed.out
    assert "never" in listed.out
    assert made.out.strip().rpartition("_")[2] not in listed.out + operator.did("audit").out


def test_json_holds_the_token_and_its_facts(operator: Operator) -> None:
    made = operator.did("token", "create", "--name", "ci", "--channel", "beta", *PUBLISHING, "--json").json
    assert made["token"].startswith(f"tenure_{made['id']}_")
    assert made["channel"] == "beta"
    listed = operator.did("token", "list", "--json").json
    assert [(token["id"], token["state"], token["last_used_at"]) for token in listed] == [(made["id"], "active", None)]
    assert "token" not in listed[0]


def test_a_revoked_token_is_listed_as_such(operator: Operator) -> None:
    made = operator.did("token", "create", "--name", "ci", *PUBLISHING, "--json").json
    operator.did("token", "revoke", made["id"], "--reason", "laptop stolen")
    assert operator.did("token", "list", "--json").json[0]["state"] == "revoked"
    assert operator.audit_trail(made["id"]) == ["token.revoke", "token.create"]


def test_a_whole_token_given_to_revoke_is_not_repeated(operator: Operator) -> None:
    made = operator.did("token", "create", "--name", "ci", *PUBLISHING).out.strip()
    ran = operator.run("token", "revoke", made, "--reason", "gone")
    assert ran.code == 2
    assert "give its id" in ran.error
    assert made not in ran.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scope", "publish", "--product", "cad"), "either --days or --expires"),
        (("--scope", "publish", "--days", "5"), "is for one product"),
        (("--scope", "read", "--days", "400"), "within 366 days"),
        (("--scope", "publish", "--product", "cod", "--days", "5"), "no such product"),
    ],
)
def test_a_token_that_cannot_be_is_refused(operator: Operator, options: tuple[str, ...], words: str) -> None:
    ran = operator.run("token", "create", "--name", "ci", *options)
    assert ran.code == 1
    assert words in ran.error


def test_the_longest_life_is_a_setting(operator: Operator) -> None:
    options = ("token", "create", "--name", "ci", "--scope", "read", "--days", "31")
    assert operator.run(*options, TENURE_API_TOKEN_MAX_DAYS="30").code == 1
    assert operator.run(*options, TENURE_API_TOKEN_MAX_DAYS="31").code == 0


def test_the_audit_trail_is_shown_newest_first_and_filtered(operator: Operator) -> None:
    operator.did("token", "create", "--name", "ci", *PUBLISHING, TENURE_ACTOR="Bo")
    everything = operator.did("audit", "--json").json
    assert [event["action"] for event in everything] == ["token.create", "product.add", "server.initialise"]
    assert [event["who"] for event in operator.did("audit", "--who", "Bo", "--json").json] == ["Bo"]
    assert [event["action"] for event in operator.did("audit", "--action", "product", "--json").json] == ["product.add"]
    assert [event["subject"] for event in operator.did("audit", "--subject", "cad", "--json").json] == ["cad"]
    assert operator.did("audit", "--since", "2999-01-01").out == "There is no such event.\n"
    assert len(operator.did("audit", "--since", "2020-01-01", "--limit", "2", "--json").json) == 2
    assert "product.add" in operator.did("audit").out


def test_an_export_can_be_verified_by_any_program(operator: Operator) -> None:
    operator.did("token", "create", "--name", "株式会社", *PUBLISHING)
    previous = FIRST_DIGEST
    lines = operator.did("audit", "--export", "jsonl").out.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        event = json.loads(line)
        digest = event.pop("digest")
        event |= {"previous": previous, "purpose": "tenure audit event v1"}
        text = json.dumps(event, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == digest
        assert event["number"] == number
        previous = digest
    assert f"3:{previous}" in operator.did("audit", "--verify").out


def test_a_broken_trail_is_an_error(operator: Operator) -> None:
    noted = operator.did("audit", "--verify", "--json").json
    assert noted["is_sound"]
    ran = operator.run("audit", "--verify", "--noted", f"1:{noted['digest']}")
    assert ran.code == 1
    assert "event 1 is not the one" in ran.error.lower()
    assert operator.run("audit", "--noted", f"{noted['events']}:{noted['digest']}").code == 0
    assert operator.run("audit", "--noted", "rubbish").code == 2
    assert operator.run("audit", "--verify", "--who", "Bo").code == 2
    assert operator.run("audit", "--export", "jsonl", "--who", "Bo").code == 2
