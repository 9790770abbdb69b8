"""``GET /v1/update-check`` for the requests that installed products send, without the framework's layers and threads.

The decision and the words are those of the general route: ``IdentifyLicence``, ``UpdateIndex`` and ``wire`` make both.
Every request that is not of the plain form, carries a certificate or meets something unforeseen is handed to the
general route, which answers all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.domain.products import Product
from tenure_server.errors import TenureError
from tenure_server.http.answer_pieces import AnswerPieces, support_pieces
from tenure_server.http.etags import is_known, strong_etag
from tenure_server.http.fast_query import PlainQueries
from tenure_server.http.fast_request import ALWAYS_RAW, identified, plain_head, refuse
from tenure_server.http.update_check import CACHING, VARY
from tenure_server.use_cases.catalogue import Catalogue
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import KnownLicence, RecentlyUsed
from tenure_server.use_cases.ports import Clock
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.errors import InvalidName
from tenure_signing.licence_key import licence_key_digest

MAX_ANSWERS = 16_384
"""Whole answers with their headers: those that are asked for again soonest."""

MAX_OWN_PIECES = 32_768
"""What is told of a licence's support and renewal."""

_ONE_MINUTE = timedelta(minutes=1)
_CACHING = ((b"cache-control", CACHING.encode()), (b"vary", VARY.encode()))
_JSON = (b"content-type", b"application/json")

_Question = tuple[str, bytes, bytes | None]
"""The licence key's digest, the query and ``Accept-Language``: what an answer depends on beside what is published."""


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


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a known licence was answered by one index, as ASGI messages."""

    known: KnownLicence
    pieces: AnswerPieces
    etag: str
    start: dict[str, object]
    body: dict[str, object]
    unchanged: dict[str, object]


class FastUpdateCheck:
    """ASGI. ``general`` is the application that answers everything."""

    def __init__(
        self, general: ASGIApp, identify: IdentifyLicence, check_for_update: CheckForUpdate, public_url: str
    ) -> None:
        self._general = general
        self._identify = identify
        self._source = check_for_update.catalogue
        self._policy = check_for_update.policy
        self._today = VendorDay(check_for_update.policy, check_for_update.clock)
        self._public_url = public_url
        self._queries = PlainQueries()
        self._pieces: dict[str, AnswerPieces] = {}
        self._own: RecentlyUsed[str, tuple[KnownLicence, Product, date, bytes]] = RecentlyUsed(MAX_OWN_PIECES)
        self._answers: RecentlyUsed[_Question, _Answer] = RecentlyUsed(MAX_ANSWERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = plain_head(scope)
        catalogue = None if head is None else self._source.at_hand()
        if head is None or catalogue is None or head.has_certificate:
            await self._general(scope, receive, send)
            return
        try:
            digest = licence_key_digest(head.key)
            known = self._identify.at_hand(digest, catalogue) or await identified(
                self._identify, head.key, digest, catalogue
            )
            query: bytes = scope["query_string"]
            question = (digest, query, head.accept_language)
            answer = self._remembered(known, question, catalogue) or self._decided(known, question, catalogue)
        except TenureError as error:
            await refuse(error, send)
            return
        if answer is None:
            await self._general(scope, receive, send)
        elif head.if_none_match is not None and is_known([head.if_none_match], answer.etag):
            await send(answer.unchanged)
            await send({"type": "http.response.body", "body": b""})
        else:
            await send(answer.start)
            await send(answer.body)

    def _remembered(self, known: KnownLicence, question: _Question, catalogue: Catalogue) -> _Answer | None:
        """The answer given before to the same question, if nothing has changed since."""
        answer = self._answers.get(question)
        if answer is None or answer.known is not known:
            return None
        published = catalogue.products.get(answer.pieces.index.product.product)
        if published is None or published.index_on(self._today.now()[1]) is not answer.pieces.index:
            return None
        return answer

    def _decided(self, known: KnownLicence, question: _Question, catalogue: Catalogue) -> _Answer | None:
        digest, query, accept_language = question
        asked = self._queries.read(query, accept_language)
        if asked is None:
            return None
        facts = known.facts
        published = catalogue.product(facts.product) if asked.product == facts.product else None
        if published is None:
            return None  # which refusal it is, the general route says
        now, today = self._today.now()
        index = published.index_on(today)
        pieces = self._pieces.get(facts.product)
        if pieces is None or pieces.index is not index:
            pieces = self._pieces[facts.product] = AnswerPieces(index, published, self._public_url)
        try:
            choice = index.choose(known.entitlement(published.product.service_packs), asked.copy, now)
        except InvalidName:
            return None
        own = self._own_piece(known, digest, published.product, today)
        body = pieces.body(choice, facts.edition, asked.copy, asked.version, own, asked.languages)
        answer = _answer(known, pieces, body)
        if not index.moves_with_time:
            self._answers.put(question, answer)
        return answer

    def _own_piece(self, known: KnownLicence, digest: str, product: Product, today: date) -> bytes:
        kept = self._own.get(digest)
        if kept is not None and kept[0] is known and kept[1] is product and kept[2] == today:
            return kept[3]
        own = support_pieces(known.facts, product, self._policy, today)
        self._own.put(digest, (known, product, today, own))
        return own


def _answer(known: KnownLicence, pieces: AnswerPieces, body: bytes) -> _Answer:
    etag = strong_etag(body)
    tag = (b"etag", etag.encode())
    length = (b"content-length", str(len(body)).encode())
    return _Answer(
        known=known,
        pieces=pieces,
        etag=etag,
        start={
            "type": "http.response.start",
            "status": 200,
            "headers": [*_CACHING, tag, length, _JSON, *ALWAYS_RAW],
        },
        body={"type": "http.response.body", "body": body},
        unchanged={"type": "http.response.start", "status": 304, "headers": [*_CACHING, tag]},
    )
