"""Operators get one mail for each expiry, stage and person: not two, and none that is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tenure_server.adapters.memory_mailer import MemoryMailer
from tenure_server.errors import MailRefused, MailUnavailable
from tenure_server.use_cases.tell_operators import CLAIM_HOLDS
from tenure_server.use_cases.warn_of_expiry import WarnOfExpiry
from tests.server.world import World

OPS = ("ops@vendor.example", "boss@vendor.example")


@dataclass
class Watch:
    """A world whose product ``cad`` expires on 22 May 2027, 180 days after it was made; the rest in November."""

    world: World
    mailer: MemoryMailer = field(default_factory=MemoryMailer)

    def warn(self, *, recipients: tuple[str, ...] = OPS[:1]) -> int:
        world = self.world
        use_case = WarnOfExpiry(
            world.database, world.now, self.mailer, recipients, (30, 14), "https://updates.example.com"
        )
        return use_case()

    def days_pass(self, days: int) -> None:
        """The server goes on renewing snapshot and timestamp."""
        self.world.today += timedelta(days=days)
        self.world.reopened().keep_metadata_fresh()

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mailer.sent]


@pytest.fixture
def watch(world: World) -> Watch:
    return Watch(world)


def test_each_stage_of_an_expiry_is_one_mail(watch: Watch) -> None:
    watch.days_pass(149)
    watch.warn()
    assert watch.subjects == []
    for days in (1, 0, 5, 11, 0):
        watch.days_pass(days)
        watch.warn()
    assert watch.subjects == ["Tenure: cad will expire soon"] * 2
    mail = watch.mailer.sent[0]
    assert mail.to == OPS[0]
    assert "1 of its 1 key holders" in mail.text
    assert "https://updates.example.com" in mail.text
    watch.days_pass(20)
    watch.warn()
    watch.warn()
    assert watch.subjects[2:] == ["Tenure: cad has EXPIRED"]


def test_everybody_is_told(watch: Watch) -> None:
    watch.days_pass(150)
    watch.warn(recipients=OPS)
    assert [mail.to for mail in watch.mailer.sent] == list(OPS)


def test_a_signer_that_stopped_is_told_of_before_its_metadata_expires(watch: Watch) -> None:
    watch.warn()
    watch.world.today += timedelta(days=2)  # nobody signed
    watch.warn()
    assert watch.subjects == ["Tenure: timestamp has EXPIRED"]
    assert "is the signer running?" in watch.mailer.sent[0].text


def test_after_a_day_without_a_mail_server_the_mail_goes_out_once(watch: Watch) -> None:
    watch.days_pass(150)
    watch.mailer.failing = MailUnavailable("away")
    for _ in range(3):
        with pytest.raises(MailUnavailable):
            watch.warn(recipients=OPS)
    watch.days_pass(1)
    watch.mailer.failing = None
    watch.warn(recipients=OPS)
    watch.warn(recipients=OPS)
    assert [mail.to for mail in watch.mailer.sent] == list(OPS)


def test_a_mail_that_is_refused_for_good_is_not_sent_again_and_again(watch: Watch) -> None:
    watch.days_pass(150)
    watch.mailer.failing = MailRefused("nobody of that name")
    with pytest.raises(MailRefused):
        watch.warn()
    watch.mailer.failing = None
    watch.warn()
    assert watch.subjects == []


def test_several_servers_send_one_mail(watch: Watch) -> None:
    watch.days_pass(150)
    with ThreadPoolExecutor(4) as threads:
        for _ in threads.map(lambda _: watch.warn(), range(4)):
            pass
    assert len(watch.subjects) == 1


class Killed(BaseException):
    """The end of the process."""


def test_a_process_that_died_while_sending_is_stood_in_for_under_the_same_message_id(watch: Watch) -> None:
    watch.days_pass(150)

    class Dying(MemoryMailer):
        def send(self, message: object) -> None:
            raise Killed

    working, watch.mailer = watch.mailer, Dying()
    with pytest.raises(Killed):
        watch.warn()
    watch.mailer = working
    watch.warn()
    assert watch.subjects == []  # it may be sending still
    keys = set()
    now = watch.world.now()
    object.__setattr__(watch.world, "now", lambda: now + CLAIM_HOLDS + timedelta(seconds=1))
    watch.warn()
    keys.add(watch.mailer.sent[0].key)
    assert watch.subjects == ["Tenure: cad will expire soon"]
    watch.warn()
    assert len(watch.subjects) == 1


def test_without_a_mail_server_or_anybody_to_tell_nothing_happens(watch: Watch) -> None:
    watch.days_pass(150)
    assert watch.warn(recipients=()) == 0
