"""Mail to operators: once for each notice and person, whatever happens.

Who may send is settled in the database before, what was sent is kept there after. A mail server that is away is tried
again until it answers; a process that dies in between leaves a claim, which another one takes over later. The mail then
bears the same Message-ID, in case it had gone out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from tenure_server.errors import MailRefused, MailUnavailable
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.ports_mail import Mailer, MailMessage
from tenure_server.use_cases.ports_signer import ExpiryNotice

T = TypeVar("T")

CLAIM_HOLDS = timedelta(minutes=30)
"""Longer than sending a mail can take."""


def tell_once(
    database: Database,
    clock: Clock,
    mailer: Mailer,
    wanted: Mapping[ExpiryNotice, T],
    mail: Callable[[Sequence[T]], MailMessage],
) -> MailUnavailable | MailRefused | None:
    """One mail to one person of those that nobody has told yet; what went wrong with it. One that is refused for good
    is not tried again."""
    now = clock()
    with database.writing() as records:
        claimed = records.expiry_notices.claim(tuple(wanted), now, now - CLAIM_HOLDS)
    if not claimed:
        return None
    problem: MailRefused | None = None
    try:
        mailer.send(mail([wanted[notice] for notice in claimed]))
    except MailRefused as error:
        problem = error  # told again and again, it would be refused again and again
    except MailUnavailable as error:
        with database.writing() as records:
            records.expiry_notices.release(claimed)
        return error
    with database.writing() as records:
        records.expiry_notices.sent(claimed, clock())
    return problem
