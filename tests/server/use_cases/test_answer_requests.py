"""Server and signer between them lose nothing and do nothing twice, wherever either of them ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tenure_server.domain.api_tokens import Scope
from tenure_server.errors import Forbidden, SignerSilent, StoreUnavailable
from tenure_server.use_cases.answer_requests import DECISIONS_KEPT, AnswerRequests
from tenure_server.use_cases.api_tokens import TokenWish
from tenure_server.use_cases.ask_signer import AskSigner
from tenure_server.use_cases.ports_signer import PublicationRequest, RequestKind, RequestState
from tenure_server.use_cases.publish_signed import PublishSigned
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.errors import KeySourceError, PublishingError
from tenure_signing.releases import Withdrawal
from tenure_signing.tuf_drafts import sign, with_withdrawal
from tenure_signing.tuf_repository import Repository
from tenure_signing.versions import Version
from tests.server.world import CAD, WHO, World


@dataclass
class Queue:
    """``number`` is a request that waits: nothing is new in it, so it is done by finding that it was done."""

    world: World
    number: int = 0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        world.publish("1.0", world.today)
        wish = TokenWish("ci", frozenset({Scope.PUBLISH}), world.now() + timedelta(days=9), CAD)
        self.token = world.installation.create_token(wish, who=WHO).token
        with world.database.reading() as records:
            role = records.signed_files.current()[CAD]
        self.body: dict[str, object] = {
            "product": "cad", "version": "1.0", "role": role.decode(), "notes": None, "share_basis_points": None,
            "token_id": self.token.token_id,
        }  # fmt: skip
        self.number = self.ask(self.body)

    def ask(self, body: dict[str, object]) -> int:
        with self.world.database.writing() as records:
            return records.publication_requests.ask(
                RequestKind.RELEASE, json.dumps(body).encode(), self.token.who, self.world.now()
            )

    @property
    def answers(self) -> AnswerRequests:
        return self.world.installation.answer_requests

    def request(self, number: int | None = None) -> PublicationRequest:
        with self.world.database.reading() as records:
            found = records.publication_requests.get(number or self.number)
        assert found is not None
        return found

    def wait(self, seconds: float = 0.0) -> object:
        """As the server does, on the same request."""
        now = [0.0]

        def sleep(pause: float) -> None:
            now[0] += pause
            self.slept.append(pause)

        ask = AskSigner(self.world.database, self.world.now, seconds, sleep, lambda: now[0])
        return ask(RequestKind.RELEASE, json.dumps(self.body).encode(), self.token.who)


@pytest.fixture
def queue(world: World) -> Queue:
    return Queue(world)


def test_a_request_is_answered_once_and_its_answer_kept_for_a_while(queue: Queue) -> None:
    with pytest.raises(SignerSilent):
        queue.wait(1.0)
    assert len(queue.slept) >= 5
    assert queue.answers() == 1
    assert queue.answers() == 0
    assert (queue.request().state, queue.request().answer) == (RequestState.DONE, {"is_new": False})
    queue.answers.forget_old()
    queue.world.today += DECISIONS_KEPT + timedelta(days=1)
    queue.answers.forget_old()
    with queue.world.database.reading() as records:
        assert records.publication_requests.get(queue.number) is None


class Killed(BaseException):
    """The end of the process."""


def test_a_signer_that_dies_between_publishing_and_answering_is_stood_in_for(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    publish = PublishSigned.__call__

    def dies(self: PublishSigned, *arguments: object) -> object:
        done.append(publish(self, *arguments))  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(PublishSigned, "__call__", dies)
        with pytest.raises(Killed):
            queue.answers()
    assert len(done) == 1
    assert queue.request().state is RequestState.WAITING
    assert queue.answers() == 1


@pytest.mark.parametrize("failure", [KeySourceError("the token is gone"), StoreUnavailable("away")])
def test_what_is_not_the_requests_fault_leaves_it_waiting(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fails(self: PublishSigned, *_: object) -> object:
        raise failure

    with monkeypatch.context() as broken:
        broken.setattr(PublishSigned, "__call__", fails)
        with pytest.raises(type(failure)):
            queue.answers()
    assert queue.request().state is RequestState.WAITING
    assert queue.answers() == 1


def test_a_key_that_root_does_not_name_refuses_nothing(queue: Queue) -> None:
    """The other signer may have it."""

    def missing(_: Repository) -> OnlineSigners:
        return queue.world.installation.online_keys.online_signers((), ())

    here = queue.answers.publish_signed
    poor = replace(queue.answers, publish_signed=replace(here, online_signers=missing))
    with pytest.raises(Exception, match="does not hold the snapshot key"):
        poor()
    assert queue.request().state is RequestState.WAITING


def test_a_bug_at_one_request_does_not_keep_the_others_waiting(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    other = queue.ask({**queue.body, "notes": "other"})
    publish = PublishSigned.__call__
    calls: list[object] = []

    def breaks(self: PublishSigned, *arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise ZeroDivisionError
        return publish(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(PublishSigned, "__call__", breaks)
    assert queue.answers() == 2
    assert queue.request().answer == {
        "refusal": "Conflict",
        "code": "signer_failed",
        "message": "The signer failed at this request.",
        "hint": "its log has the details",
    }
    assert queue.request(other).state is RequestState.REFUSED  # its notes are not those that were signed


def test_the_token_is_looked_up_again_when_the_signer_comes(queue: Queue) -> None:
    queue.world.installation.revoke_token(queue.token.token_id, reason="stolen", who=WHO)
    queue.answers()
    answer = queue.request().answer
    assert answer is not None
    assert answer["code"] == "token_inactive"


def test_a_refusal_reaches_the_publisher_as_what_it_is(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(error: Exception) -> None:
        def decide(_: float) -> None:
            queue.answers()

        def fails(self: PublishSigned, *_: object) -> object:
            raise error

        monkeypatch.setattr(PublishSigned, "__call__", fails)
        ask = AskSigner(queue.world.database, queue.world.now, 5.0, decide, lambda: 0.0)
        ask(RequestKind.RELEASE, json.dumps(queue.body).encode(), queue.token.who)

    with pytest.raises(Forbidden, match="not allowed") as refused:
        refuses(Forbidden("This is not allowed.", code="token_scope", hint="ask"))
    assert (refused.value.code, refused.value.hint) == ("token_scope", "ask")
    with pytest.raises(PublishingError, match="too old"):
        refuses(PublishingError("too old"))


def test_a_role_that_withdraws_is_no_release(queue: Queue) -> None:
    """Whatever the server asks for, only what publishing allows is published."""
    world = queue.world
    role = with_withdrawal(str(queue.body["role"]).encode(), CAD, Version("1.0"), Withdrawal("no", None), world.now())
    number = queue.ask({**queue.body, "role": sign(CAD, role, world.engineer).decode()})
    queue.answers()
    answer = queue.request(number).answer
    assert answer is not None
    assert answer["code"] == "not_one_release"
