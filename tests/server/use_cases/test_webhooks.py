"""Webhooks from the event to the receiver: nothing is lost, whatever is killed; and what operators do with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tenure_server.adapters.database import SqlDatabase
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.adapters.memory_mailer import MemoryMailer
from tenure_server.adapters.sealing import AesSealer
from tenure_server.domain.events import EventType
from tenure_server.domain.webhooks import DeliveryState, Sent, signature
from tenure_server.errors import InvalidRequest, MailUnavailable, NotFound, Refusal
from tenure_server.use_cases.deliver_webhooks import LEASE, DeliverWebhooks
from tenure_server.use_cases.events import announce
from tenure_server.use_cases.manage_webhooks import ManageWebhooks, WebhookWish, WebhookWithSecret, parse_webhook_url
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.warn_of_webhooks import WarnOfWebhooks
from tests.server.databases import DATABASES, migrated

URL = "https://crm.example.com/hook"
WHO = "a test"


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Post:
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Desk:
    """A vendor's webhooks without a network: ``answers`` by URL, 204 for others."""

    database: Database
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    answers: dict[str, Sent] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)

    def __post_init__(self) -> None:
        sealer = AesSealer(b"k" * 32)
        self.manage = ManageWebhooks(self.database, lambda: self.now, sealer, self.send)
        self.deliver = DeliverWebhooks(self.database, lambda: self.now, sealer, self.send, jitter=lambda: 0.5)

    def send(self, url: str, headers: Mapping[str, str], body: bytes, *, allows_private: bool) -> Sent:
        self.posts.append(Post(url, headers, body))
        return self.answers.get(url, Sent(204))

    def add(self, url: str = URL, *events: str) -> WebhookWithSecret:
        return self.manage.add(WebhookWish(url, events), who=WHO)

    def happen(self, *subjects: str, type: EventType = EventType.LICENCE_ISSUED) -> None:
        for subject in subjects:
            with self.database.writing() as records:
                announce(records, self.now, type, subject, {})

    def told(self, url: str = URL) -> list[str]:
        return [post.event["subject"] for post in self.posts if post.url == url]

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def states(self, hook: WebhookWithSecret) -> list[str]:
        with self.database.reading() as records:
            return [str(one.state) for one in records.webhooks.deliveries(hook.endpoint.endpoint_id, limit=99)]


@pytest.fixture
def desk() -> Desk:
    return Desk(MemoryDatabase())


@pytest.fixture(params=DATABASES)
def sql_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with migrated(request, tmp_path) as database:
        yield Desk(database)


def test_an_event_reaches_every_endpoint_that_wants_it_once(desk: Desk) -> None:
    desk.happen("before")
    desk.add(URL, "licence.revoked", "release")
    desk.add("https://all.example/")
    desk.happen("a")
    desk.happen("b", type=EventType.LICENCE_REVOKED)
    desk.happen("c", type=EventType.RELEASE_WITHDRAWN)
    assert desk.deliver() == 5
    assert desk.deliver() == 0
    assert sorted(desk.told()) == ["b", "c"]
    assert sorted(desk.told("https://all.example/")) == ["a", "b", "c"]


def test_a_message_says_what_the_feed_says_and_is_signed(desk: Desk) -> None:
    hook = desk.add()
    desk.happen("7k2m")
    desk.deliver()
    (post,) = desk.posts
    assert post.event.keys() == {"id", "type", "timestamp", "subject", "product", "customer", "data"}
    assert post.headers["webhook-id"] == post.event["id"]
    timestamp = int(desk.now.timestamp())
    assert post.headers["webhook-timestamp"] == str(timestamp)
    assert post.headers["webhook-signature"] == signature(hook.secret, post.event["id"], timestamp, post.body)


def test_what_fails_is_sent_again_with_the_same_id_until_it_arrives(desk: Desk) -> None:
    hook = desk.add()
    desk.happen("a")
    desk.answers[URL] = Sent(503)
    for _ in range(4):
        desk.deliver()
        desk.later(minutes=30)
    desk.answers.clear()
    desk.deliver()
    assert desk.states(hook) == ["delivered"]
    assert len({post.headers["webhook-id"] for post in desk.posts}) == 1
    assert len({post.headers["webhook-timestamp"] for post in desk.posts}) == len(desk.posts) == 5


def test_one_endpoint_that_fails_does_not_hold_up_the_others(desk: Desk) -> None:
    desk.add("https://dead.example/")
    desk.add()
    desk.answers["https://dead.example/"] = Sent(None, "it took too long")
    desk.happen(*(f"{number}" for number in range(30)))
    desk.deliver()
    assert len(desk.told()) == 30


def test_an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_that_is_told(desk: Desk) -> None:
    hook = desk.add()
    desk.add("https://other.example/", "webhook")
    desk.answers[URL] = Sent(500)
    desk.happen("a")
    for _ in range(3 * 24 + 9):
        desk.deliver()
        desk.later(hours=1)
        desk.happen("b")
    with desk.database.reading() as records:
        endpoint = records.webhooks.get(hook.endpoint.endpoint_id)
        (audited,) = records.audit.newest(action="webhook.disabled")
    assert endpoint is not None
    assert endpoint.disabled_reason == "nothing arrived there for three days"
    assert audited.subject == hook.endpoint.endpoint_id
    desk.deliver()
    assert desk.told("https://other.example/") == [hook.endpoint.endpoint_id]


def test_operators_get_one_mail_each_when_an_endpoint_is_disabled_and_one_more_the_next_time(desk: Desk) -> None:
    hook, mailer = desk.add(), MemoryMailer()
    desk.add("https://other.example/")
    recipients = ("ops@vendor.example", "boss@vendor.example")
    warn = WarnOfWebhooks(desk.database, lambda: desk.now, mailer, recipients, "https://updates.example.com")
    assert warn() == 0
    desk.answers[URL] = Sent(410)
    for times in (1, 2):
        desk.happen("a")
        desk.deliver()
        mailer.failing = MailUnavailable("the mail server is away")
        with pytest.raises(MailUnavailable):
            warn()
        mailer.failing = None
        for _ in range(3):
            warn()
            desk.later(hours=1)
        assert [mail.to for mail in mailer.sent] == [*recipients] * times
        desk.manage.enable(hook.endpoint.endpoint_id, who=WHO)
        assert warn() == 0
    assert len({mail.key for mail in mailer.sent}) == 4
    mail = mailer.sent[0]
    assert mail.subject == "Tenure: a webhook was disabled"
    assert f"* {hook.endpoint.endpoint_id}" in mail.text
    assert "2026-11-23 12:00 UTC: it answered 410 Gone" in mail.text
    assert "tenure webhook enable sends what was missed" in mail.text


def test_without_mail_or_operators_nobody_is_told_and_nothing_fails(desk: Desk) -> None:
    assert WarnOfWebhooks(desk.database, lambda: desk.now, None, ("ops@vendor.example",), "https://x.example")() == 0
    assert WarnOfWebhooks(desk.database, lambda: desk.now, MemoryMailer(), (), "https://x.example")() == 0


def test_an_endpoint_that_is_enabled_again_is_told_what_it_missed(desk: Desk) -> None:
    hook = desk.add()
    desk.answers[URL] = Sent(410)
    desk.happen("a")
    desk.deliver()
    desk.happen("b", "c")
    desk.deliver()
    assert desk.told() == ["a"]
    desk.answers.clear()
    assert desk.manage.enable(hook.endpoint.endpoint_id, who=WHO).disabled_at is None
    desk.deliver()
    assert sorted(desk.told()) == ["a", "b", "c"]
    assert desk.states(hook) == ["delivered", "delivered", "failed"]


def test_what_was_given_up_or_arrived_can_be_sent_again_by_hand(desk: Desk) -> None:
    hook = desk.add()
    desk.happen("a")
    desk.deliver()
    with desk.database.reading() as records:
        (delivery,) = records.webhooks.deliveries(hook.endpoint.endpoint_id, limit=9)
    desk.manage.redeliver(delivery.delivery_id, who=WHO)
    desk.deliver()
    assert desk.told() == ["a", "a"]
    assert desk.posts[0].headers["webhook-id"] == desk.posts[1].headers["webhook-id"]
    with desk.database.reading() as records:
        assert len(records.webhooks.attempts(delivery.delivery_id)) == 2
        assert records.audit.newest(action="webhook.redeliver")
    with pytest.raises(NotFound):
        desk.manage.redeliver("dlv_unknown", who=WHO)


def test_two_secrets_sign_while_one_is_replaced_and_then_one(desk: Desk) -> None:
    first = desk.add()
    second = desk.manage.rotate_secret(first.endpoint.endpoint_id, overlap_hours=24, who=WHO)
    desk.happen("a")
    desk.deliver()
    desk.later(hours=24)
    desk.happen("b")
    desk.deliver()

    def signatures(post: Post, *secrets: str) -> list[str]:
        timestamp = int(post.headers["webhook-timestamp"])
        return [signature(secret, post.headers["webhook-id"], timestamp, post.body) for secret in secrets]

    both, one = desk.posts
    assert both.headers["webhook-signature"].split() == signatures(both, second.secret, first.secret)
    assert one.headers["webhook-signature"].split() == signatures(one, second.secret)


def test_a_leaked_secret_is_replaced_at_once(desk: Desk) -> None:
    hook = desk.add()
    desk.manage.rotate_secret(hook.endpoint.endpoint_id, overlap_hours=0, who=WHO)
    desk.happen("a")
    desk.deliver()
    assert len(desk.posts[0].headers["webhook-signature"].split()) == 1
    with pytest.raises(InvalidRequest):
        desk.manage.rotate_secret(hook.endpoint.endpoint_id, overlap_hours=-1, who=WHO)


def test_no_secret_lies_in_the_database_or_the_audit_trail(desk: Desk) -> None:
    hook = desk.add()
    with desk.database.reading() as records:
        assert hook.secret not in repr(
            (records.webhooks.all(), records.audit.newest(), records.webhooks.all()[0].sealed_secret)
        )
    assert hook.secret not in repr(hook)


def test_a_secret_that_cannot_be_opened_is_a_failure_of_that_endpoint_only(desk: Desk) -> None:
    broken, _ = desk.add(), desk.add("https://fine.example/")
    with desk.database.writing() as records:
        records.webhooks.save(replace(broken.endpoint, sealed_secret="sealed1.AAAA"))
    desk.happen("a")
    desk.deliver()
    assert (desk.told(), desk.told("https://fine.example/")) == ([], ["a"])
    assert desk.states(broken) == ["pending"]


def test_a_removed_endpoint_gets_nothing_more(desk: Desk) -> None:
    hook = desk.add()
    desk.happen("a")
    desk.manage.remove(hook.endpoint.endpoint_id, who=WHO)
    assert desk.deliver() == 0
    for act in (desk.manage.remove, desk.manage.enable):
        with pytest.raises(NotFound):
            act(hook.endpoint.endpoint_id, who=WHO)
    with pytest.raises(NotFound):
        desk.manage.test(hook.endpoint.endpoint_id)


def test_a_test_message_is_signed_as_others_are_and_queues_nothing(desk: Desk) -> None:
    hook = desk.add()
    assert desk.manage.test(hook.endpoint.endpoint_id).status == 204
    (post,) = desk.posts
    assert post.event["type"] == "webhook.test"
    assert desk.states(hook) == []


def test_old_deliveries_are_forgotten_and_open_ones_are_not(desk: Desk) -> None:
    hook = desk.add()
    desk.happen("a")
    desk.deliver()
    desk.later(days=31)
    desk.happen("b")
    desk.answers[URL] = Sent(500)
    desk.deliver()
    assert desk.deliver.forget_old() == 1
    assert desk.states(hook) == ["pending"]


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://user:pw@example.com/", "https://example.com/#x", "ftp://example.com/", "https://",
     "https://exa mple.com/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://10.0.0.1/",
     "https://169.254.169.254/latest", "https://example.com:99999/", "https://ex\u00e4mple.com/", "javascript:alert(1)",
     "https://example.com\\@10.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://example.com/" + "x" * 2000],
)  # fmt: skip
def test_an_address_that_is_not_public_https_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_webhook_url(url, allows_private=False)
    assert refused.value.code == "webhook_url"
    assert "example.com" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/x", "http://localhost/", "https://10.0.0.1/", "https://[fd00::1]/"]
)
def test_a_private_address_is_taken_where_an_operator_says_so(url: str) -> None:
    assert parse_webhook_url(url, allows_private=True) == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://intranet/", "https://169.254.169.254/", "https://0.0.0.0/"]
)
def test_even_then_nothing_leaves_this_machine_in_the_clear_and_no_credentials_are_fetched(url: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_webhook_url(url, allows_private=True)


def test_a_misspelt_filter_and_a_strange_description_are_refused(desk: Desk) -> None:
    for wish in (WebhookWish(URL, ("licences",)), WebhookWish(URL, description="a\nb")):
        with pytest.raises(Refusal):
            desk.manage.add(wish, who=WHO)


# --- Kills and crowds


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Ends everything before that statement, counted from 1, is sent to the database."""
    seen = 0

    def note(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with suppress(Killed):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_whatever_statement_a_worker_is_killed_at_every_event_arrives_and_is_ended_once(sql_desk: Desk) -> None:
    hook = sql_desk.add()
    statement, was_killed = 0, True
    while was_killed:
        statement += 1
        sql_desk.happen(f"{statement}")
        before = len(sql_desk.posts)
        was_killed = True
        with killed_at(statement):
            sql_desk.deliver()
            was_killed = False
        sql_desk.later(seconds=LEASE.total_seconds())
        sql_desk.deliver()
        assert 1 <= len(sql_desk.posts) - before <= 2, f"killed at statement {statement}"
        sql_desk.later(seconds=LEASE.total_seconds())
    assert statement > 10
    assert set(sql_desk.told()) == {str(number) for number in range(1, statement + 1)}
    assert len({post.headers["webhook-id"] for post in sql_desk.posts}) == statement
    with sql_desk.database.reading() as records:
        ended = records.webhooks.deliveries(hook.endpoint.endpoint_id, limit=999)
    assert [one.state for one in ended] == [DeliveryState.DELIVERED] * statement


def test_a_worker_killed_while_it_sends_has_the_event_sent_again_after_its_claim(sql_desk: Desk) -> None:
    hook = sql_desk.add()
    sql_desk.happen("a")

    def die(*_: object, **__: object) -> Sent:
        raise Killed

    dying = replace(sql_desk.deliver, send=die)
    with suppress(Killed):
        dying()
    assert sql_desk.deliver() == 0
    sql_desk.later(seconds=LEASE.total_seconds())
    assert sql_desk.deliver() == 1
    assert sql_desk.states(hook) == ["delivered"]


def test_several_workers_at_once_send_every_event_once(sql_desk: Desk) -> None:
    sql_desk.add()
    sql_desk.happen(*(f"{number}" for number in range(24)))
    assert isinstance(sql_desk.database, SqlDatabase)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: sql_desk.deliver(), range(3)))
    sql_desk.deliver()
    assert sorted(sql_desk.told(), key=int) == [f"{number}" for number in range(24)]
