"""A machine takes a seat once, and believes the kept statement offline: its own, genuine, and not over."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tenure_client import machine
from tenure_client.errors import (
    ActivationRefused,
    ConfigurationError,
    InvalidServerAnswer,
    LicenceError,
    OfflineAndNothingKnown,
    SeatsTaken,
    ServerUnreachable,
)
from tenure_client.state import State
from tenure_signing.issuing import issue_activation
from tenure_signing.key_sources import SigningKey, new_key
from tests.client_sdk.loopback import Reply, Request
from tests.client_sdk.vendor import CAD, Site, json_reply, problem

PATH = "/v1/activations"


@dataclass
class Seats:
    """An honest server's seats of the licence, unless a test changes one thing about it."""

    site: Site
    count: int = 1
    valid_for: timedelta | None = None
    taken: list[str] = field(default_factory=list)
    statement_of: Callable[[str], str] | None = None

    def serve(self, request: Request) -> Reply | None:
        parts = urlsplit(request.path)
        if parts.path != PATH:
            return None
        if request.body is None:
            (machine,) = parse_qs(parts.query)["machine"]
            was_held = machine in self.taken
            self.taken = [each for each in self.taken if each != machine]
            return json_reply({"released": was_held})
        asked = json.loads(request.body)
        if asked["machine"] not in self.taken:
            if asked.get("only_if_held"):
                return problem(404, "not_activated")
            if len(self.taken) >= self.count:
                return problem(409, "seats_taken", "All seats of this licence are taken (1).")
            self.taken.append(asked["machine"])
        statement = (self.statement_of or self.statement)(asked["machine"])
        return json_reply({"statement": statement, "over_limit": False, "seats": self.count})

    def statement(self, machine: str, licence_id: str = "L-1", by: SigningKey | None = None) -> str:
        vendor = self.site.vendor
        return issue_activation(
            licence_id=licence_id,
            product=CAD,
            machine=machine,
            activated_at=vendor.now,
            valid_until=vendor.now + self.valid_for if self.valid_for is not None else None,
            now=vendor.now,
            key=by or vendor.certificate_signer,
        )


@pytest.fixture
def seats(site: Site, monkeypatch: pytest.MonkeyPatch) -> Seats:
    monkeypatch.setattr(machine, "system_machine_id", lambda: "linux:this machine")
    seats = Seats(site)
    site.on_server = seats.serve
    return seats


def later(site: Site, by: timedelta) -> None:
    """The clock moves, and the vendor keeps its metadata fresh."""
    site.vendor.now += by
    site.vendor.submit({})


def asked(site: Site) -> int:
    return sum(request.path.startswith(PATH) for request in site.server.requests)


def test_one_call_takes_a_seat_and_the_product_works_offline_for_ever(site: Site, state: Path, seats: Seats) -> None:
    client = site.client(state)
    done = client.activate(name="Ada's laptop")
    assert (done.licence_id, done.machine, done.is_over_limit) == ("L-1", seats.taken[0], False)
    body = site.server.requests[-1].body or b""
    assert json.loads(body) == {"machine": done.machine, "name": "Ada's laptop"}
    assert b"this machine" not in body
    site.on_server = lambda request: problem(503, "database_unavailable")
    site.vendor.now += timedelta(days=3650)
    kept = site.client(state).activation
    assert kept is not None
    assert (kept.machine, kept.activated_at, kept.valid_until) == (done.machine, done.activated_at, None)
    assert asked(site) == 1


def test_before_any_contact_nothing_is_known_and_without_a_seat_there_is_none(
    site: Site, state: Path, seats: Seats
) -> None:
    with pytest.raises(OfflineAndNothingKnown):
        _ = site.client(state).activation
    site.client(state).check()
    assert site.client(state).activation is None


def test_asking_again_is_the_same_seat_and_giving_it_back_frees_it(site: Site, state: Path, seats: Seats) -> None:
    client = site.client(state)
    assert client.activate().machine == client.activate().machine
    assert client.deactivate()
    assert (seats.taken, client.activation) == ([], None)
    assert not client.deactivate()


def test_when_all_seats_are_taken_the_product_says_what_to_do(site: Site, state: Path, seats: Seats) -> None:
    seats.taken = ["0" * 64]
    with pytest.raises(SeatsTaken, match="All seats") as refused:
        site.client(state).activate()
    assert "not used any more" in (refused.value.hint or "")
    assert site.client(state).activation is None


@pytest.mark.parametrize("code", ["licence_suspended", "licence_revoked"])
def test_a_revoked_or_suspended_licence_activates_nothing(site: Site, state: Path, seats: Seats, code: str) -> None:
    site.on_server = lambda request: problem(403, code) if request.path == PATH else None
    with pytest.raises(LicenceError):
        site.client(state).activate()


def test_an_activation_that_expires_is_renewed_by_checks_and_over_without_them(
    site: Site, state: Path, seats: Seats
) -> None:
    seats.valid_for = timedelta(days=10)
    client = site.client(state)
    client.activate()
    client.check()
    assert asked(site) == 1
    later(site, timedelta(days=5, seconds=1))
    client.check()
    assert asked(site) == 2
    later(site, timedelta(days=10))
    assert client.activation is not None
    later(site, timedelta(seconds=1))
    assert client.activation is None


def test_a_seat_that_was_released_elsewhere_is_forgotten_at_a_check_and_not_taken_again(
    site: Site, state: Path, seats: Seats
) -> None:
    client = site.client(state)
    client.activate()
    kept = (state / "activation").read_text()
    seats.taken = ["0" * 64]
    later(site, timedelta(days=8))
    client.check()
    assert client.activation is None
    (state / "activation").write_text(kept)  # put back from a copy
    client.check()
    assert client.activation is None
    assert seats.taken == ["0" * 64]


@pytest.mark.parametrize(
    "reply", [problem(503, "x"), problem(404, "not_found"), problem(403, "licence_suspended"), Reply(200)]
)
def test_a_server_in_trouble_takes_no_seat_away(site: Site, state: Path, seats: Seats, reply: Reply) -> None:
    client = site.client(state)
    client.activate()
    later(site, timedelta(days=8))
    site.on_server = lambda request: reply if request.path == PATH else None
    client.check()
    assert client.activation is not None


# Attacks


def edited(statement: str) -> str:
    """Another first character of the signature."""
    said, _, signature = statement.rpartition(".")
    return f"{said}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def test_a_statement_copied_from_another_machine_or_edited_is_worth_nothing(
    site: Site, state: Path, seats: Seats, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = site.client(state)
    genuine = client.activate()
    monkeypatch.setattr(machine, "system_machine_id", lambda: "linux:another machine")
    assert client.activation is None
    monkeypatch.undo()
    monkeypatch.setattr(machine, "system_machine_id", lambda: "linux:this machine")
    for text in (
        seats.statement(genuine.machine, by=new_key()),
        seats.statement(genuine.machine, by=site.vendor.licence_signer),
        seats.statement(genuine.machine, licence_id="L-2"),
        edited((state / "activation").read_text()),
        site.vendor.certificate(),
        "x" * 70_000,
    ):
        (state / "activation").write_text(text)
        assert client.activation is None


@pytest.mark.parametrize("kind", ["forged", "another machine's", "another licence's"])
def test_a_server_that_lies_about_a_seat_is_not_believed(site: Site, state: Path, seats: Seats, kind: str) -> None:
    lies: dict[str, Callable[[str], str]] = {
        "forged": lambda machine: seats.statement(machine, by=new_key()),
        "another machine's": lambda _: seats.statement("0" * 64),
        "another licence's": lambda machine: seats.statement(machine, licence_id="L-2"),
    }
    seats.statement_of = lies[kind]
    with pytest.raises(ActivationRefused):
        site.client(state).activate()
    assert site.client(state).activation is None


def test_a_recorded_statement_of_a_released_seat_activates_nothing(site: Site, state: Path, seats: Seats) -> None:
    client = site.client(state)
    recorded = seats.statement(client.activate().machine)
    client.deactivate()
    later(site, timedelta(days=2))
    seats.statement_of = lambda _: recorded
    with pytest.raises(ActivationRefused, match="out of date"):
        client.activate()
    assert client.activation is None


@pytest.mark.parametrize("document", [{}, {"statement": 7, "over_limit": False}, {"statement": "x"}, []])
def test_an_answer_that_is_none_is_not_kept(site: Site, state: Path, seats: Seats, document: object) -> None:
    site.on_server = lambda request: json_reply(document) if request.path == PATH else None
    with pytest.raises(InvalidServerAnswer):
        site.client(state).activate()


def test_a_name_that_nobody_can_read_is_refused_before_anything_is_sent(site: Site, state: Path, seats: Seats) -> None:
    for name in ("", " lab", "a\nb", "x" * 81):
        with pytest.raises(ConfigurationError):
            site.client(state).activate(name=name)
    assert not site.server.requests


def test_without_a_network_a_machine_is_not_activated(site: Site, state: Path, seats: Seats) -> None:
    site.on_server = lambda request: problem(503, "database_unavailable")
    with pytest.raises(ServerUnreachable):
        site.client(state).activate()


# Which machine it is


def test_linux_says_which_machine_it_is_and_what_is_no_id_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "etc", tmp_path / "dbus"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(machine, "LINUX_FILES", (first, second))
    assert machine.system_machine_id() is None
    first.write_text("uninitialized\n")
    second.write_text("0" * 32)
    assert machine.system_machine_id() is None
    second.write_text("0123456789abcdef0123456789abcdef\n")
    assert machine.system_machine_id() == "linux:0123456789abcdef0123456789abcdef"


def test_macos_says_which_machine_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ioreg = tmp_path / "ioreg"
    ioreg.write_text('#!/bin/sh\necho \'  "IOPlatformUUID" = "4C4C4544-0000-1111-2222-333344445555"\'\n')
    ioreg.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(machine, "_IOREG", (str(ioreg),))
    assert machine.system_machine_id() == "darwin:4c4c4544-0000-1111-2222-333344445555"
    monkeypatch.setattr(machine, "_IOREG", (str(tmp_path / "none"),))
    assert machine.system_machine_id() is None


def test_where_the_system_has_no_id_a_random_one_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "system_machine_id", lambda: None)
    one, other = State(tmp_path / "one"), State(tmp_path / "other")
    for state in (one, other):
        state.prepare(None)
    assert machine.machine_id(one) == machine.machine_id(one) != machine.machine_id(other)
