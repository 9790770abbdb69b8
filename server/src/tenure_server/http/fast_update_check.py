"""``GET /v1/update-check`` for the requests that installed products send, without the framework's layers and threads.

The decision and the words are those of the general route: ``IdentifyLicence``, ``UpdateIndex`` and ``wire`` make both.
Every request that is not of the plain form or meets something unforeseen is handed to the general route, which answers
all of them; so is one that carries a certificate, unless this server signs none.
"""

from __future__ import annotations

from datetime import date

from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.domain.products import Product
from tenure_server.errors import TenureError
from tenure_server.http.answer_pieces import AnswerPieces
from tenure_server.http.fast_query import MAX_QUERY_BYTES, PlainQueries
from tenure_server.http.fast_request import Identified, PlainHead, plain_head, refusal
from tenure_server.http.kept_answers import JSON_LINES, KeptAnswer, KeptAnswers, VendorDay, kept_answer
from tenure_server.http.parameters import NO_CERTIFICATE, parse_certificate
from tenure_server.http.support_pieces import SupportPieces
from tenure_server.http.update_check import CACHING, NOT_KEPT, VARY
from tenure_server.http.whole_answers import WholeAnswer, header_lines
from tenure_server.use_cases.catalogue import Catalogue
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import KnownLicence
from tenure_signing.errors import InvalidName
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.update_index import UpdateIndex

MAX_ANSWERS = 16_384
"""Whole answers with their headers: those that are asked for again soonest."""

_CACHING = header_lines((b"cache-control", CACHING.encode()), (b"vary", VARY.encode()))

_NOT_KEPT = header_lines((b"cache-control", NOT_KEPT.encode()), (b"vary", VARY.encode()))

_Question = tuple[str, bytes, bytes | None]
"""The licence key's digest, the query and ``Accept-Language``: what an answer depends on beside what is published."""


class FastUpdateCheck:
    """ASGI. ``general`` is the application that answers everything."""

    def __init__(
        self, general: ASGIApp, identify: IdentifyLicence, check_for_update: CheckForUpdate, public_url: str
    ) -> None:
        self._general = general
        self._identify = identify
        self._identified = Identified(identify)
        self._source = check_for_update.catalogue
        self._policy = check_for_update.policy
        self._today = VendorDay(check_for_update.policy, check_for_update.clock)
        self._public_url = public_url
        self._signs_certificates = check_for_update.sign_certificate is not None
        self._queries = PlainQueries()
        self._pieces: dict[str, AnswerPieces] = {}
        self._support: dict[str, SupportPieces] = {}
        self._answers: KeptAnswers[_Question] = KeptAnswers(MAX_ANSWERS, self._today)

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """The answer, where nothing has to be waited for and the general route has nothing to say."""
        asked = self._plain(scope)
        if asked is None:
            return None
        head, catalogue = asked
        try:
            digest = licence_key_digest(head.key)
            if head.certificate is not None:
                return self._by_certificate(head, digest, scope["query_string"], catalogue)
            known = self._identified.at_once(head.key, digest, catalogue)
            return self._answer(known, digest, scope["query_string"], catalogue, head) if known is not None else None
        except TenureError as error:
            return refusal(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._plain(scope)
        answer = None
        if asked is not None:
            head, catalogue = asked
            try:
                digest = licence_key_digest(head.key)
                if head.certificate is not None:  # answered at once or by the general route
                    await self._general(scope, receive, send)
                    return
                known = await self._identified.by(head.key, digest, catalogue)
                answer = self._answer(known, digest, scope["query_string"], catalogue, head)
            except TenureError as error:
                answer = refusal(error)
        if answer is None:
            await self._general(scope, receive, send)
        else:
            await answer.send(send)

    def _plain(self, scope: Scope) -> tuple[PlainHead, Catalogue] | None:
        if len(scope["query_string"]) > MAX_QUERY_BYTES:
            return None
        head = plain_head(scope)
        if head is None or (head.certificate is not None and self._signs_certificates):
            return None
        catalogue = self._source.at_hand()
        return (head, catalogue) if catalogue is not None else None

    def _by_certificate(self, head: PlainHead, digest: str, query: bytes, catalogue: Catalogue) -> WholeAnswer | None:
        """Of a server that signs none itself, so that the answer never has a fresh one."""
        assert head.certificate is not None
        try:
            certificate = parse_certificate(head.certificate.decode("latin-1"))
        except ValueError:
            return None
        if certificate == NO_CERTIFICATE:
            return None
        known = self._identify.at_hand(digest, catalogue) or self._identify.certified(
            head.key, digest, certificate, catalogue
        )
        decided = self._body(known, query, head.accept_language, catalogue)
        if decided is None:
            return None
        return WholeAnswer(200, b"%bcontent-length: %d\r\n%b" % (_NOT_KEPT, len(decided[1]), JSON_LINES), decided[1])

    def _answer(
        self, known: KnownLicence, digest: str, query: bytes, catalogue: Catalogue, head: PlainHead
    ) -> WholeAnswer | None:
        question = digest, query, head.accept_language
        kept = self._answers.get(question, known, catalogue) or self._decided(known, question, catalogue)
        return kept.for_tags(head.if_none_match) if kept is not None else None

    def _decided(self, known: KnownLicence, question: _Question, catalogue: Catalogue) -> KeptAnswer | None:
        _, query, accept_language = question
        decided = self._body(known, query, accept_language, catalogue)
        if decided is None:
            return None
        answer = kept_answer(known, *decided, _CACHING)
        self._answers.put(question, answer)
        return answer

    def _body(
        self, known: KnownLicence, query: bytes, accept_language: bytes | None, catalogue: Catalogue
    ) -> tuple[UpdateIndex, bytes] | None:
        """The answer, and what it was decided by; None for what the general route has to read or refuse."""
        asked, facts = self._queries.read(query, accept_language), known.facts
        if asked is None:
            return None
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
        own = self._support_on(published.product, today).of(facts)
        return index, pieces.body(choice, facts.edition, asked.copy, asked.version, own, asked.languages)

    def _support_on(self, product: Product, today: date) -> SupportPieces:
        pieces = self._support.get(product.name)
        if pieces is None or pieces.product is not product or pieces.today != today:
            pieces = self._support[product.name] = SupportPieces(product, self._policy, today)
        return pieces
