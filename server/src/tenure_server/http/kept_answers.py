"""Whole answers with their headers, kept for whoever asks the same again, and given while nothing has changed."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from tenure_server.http.etags import is_known, strong_etag
from tenure_server.http.whole_answers import ALWAYS_RAW, WholeAnswer, header_lines
from tenure_server.use_cases.catalogue import Catalogue
from tenure_server.use_cases.licence_cache import KnownLicence, RecentlyUsed
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.update_index import UpdateIndex

_ONE_MINUTE = timedelta(minutes=1)
JSON_LINES = header_lines((b"content-type", b"application/json"), *ALWAYS_RAW)

K = TypeVar("K", bound=Hashable)


class VendorDay:
    """The vendor's calendar day, asked of the time zone once a minute: its offsets change on whole minutes."""

    def __init__(self, policy: VendorPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._from = self._until = datetime.min.replace(tzinfo=clock().tzinfo)
        self._day = date.min

    def now(self) -> tuple[datetime, date]:
        now = self._clock()
        if not self._from <= now < self._until:
            self._from = now.replace(second=0, microsecond=0)
            self._until = self._from + _ONE_MINUTE
            self._day = self._policy.day_of(now)
        return now, self._day


class KeptAnswer(NamedTuple):
    """What a known licence was answered by one index."""

    known: KnownLicence
    decided_by: UpdateIndex
    caching: bytes  # header lines
    etag: str
    body: bytes

    def for_tags(self, if_none_match: str | None) -> WholeAnswer:
        if if_none_match is not None and is_known([if_none_match], self.etag):
            return WholeAnswer(304, b"%betag: %b\r\n" % (self.caching, self.etag.encode()), b"")
        head = b"%betag: %b\r\ncontent-length: %d\r\n%b"
        return WholeAnswer(200, head % (self.caching, self.etag.encode(), len(self.body), JSON_LINES), self.body)


def kept_answer(known: KnownLicence, index: UpdateIndex, body: bytes, caching: bytes) -> KeptAnswer:
    """The body, which is JSON, with its entity tag."""
    return KeptAnswer(known, index, caching, strong_etag(body), body)


class KeptAnswers(Generic[K]):
    """By whoever asked what: those that are asked for again soonest."""

    def __init__(self, limit: int, today: VendorDay) -> None:
        self._answers: RecentlyUsed[K, KeptAnswer] = RecentlyUsed(limit)
        self._today = today

    def get(self, question: K, known: KnownLicence, catalogue: Catalogue) -> KeptAnswer | None:
        """The answer given before to the same question, if nothing has changed since."""
        answer = self._answers.get(question)
        if answer is None or answer.known is not known:
            return None
        published = catalogue.products.get(answer.decided_by.product.product)
        if published is None or published.index_on(self._today.now()[1]) is not answer.decided_by:
            return None
        return answer

    def put(self, question: K, answer: KeptAnswer) -> None:
        """Not kept where a rollout grows by itself: that answer holds for its instant only."""
        if not answer.decided_by.moves_with_time:
            self._answers.put(question, answer)
