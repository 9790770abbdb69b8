"""The index of the Velopack feed for the requests that Velopack's clients send, without the framework's layers.

The decision and the words are those of the general route, which also answers everything that is not of the plain form:
packages, escapes, licences that are not active, and every mistake but an unknown key or feed token.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.errors import TenureError
from tenure_server.feeds.access import digest_of, unknown_feed_token
from tenure_server.feeds.velopack import CACHING, INDEX, index_of, install_id_of, installed_version
from tenure_server.http.fast_request import Identified, PlainHead, any_plain_head, plain_head, refusal
from tenure_server.http.kept_answers import KeptAnswer, KeptAnswers, VendorDay, kept_answer
from tenure_server.http.whole_answers import WholeAnswer, header_lines
from tenure_server.use_cases.catalogue import Catalogue, PublishedProduct
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import KnownLicence, RecentlyUsed
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.errors import InvalidName, SigningError
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.names import ChannelName, Platform, ProductName, parse_channel, parse_platform, parse_product
from tenure_signing.update_choice import InstalledCopy, Offer
from tenure_signing.update_index import UpdateIndex
from tenure_signing.versions import Version

MAX_QUERY_BYTES = 600
MAX_ANSWERS = 16_384
_REMEMBERED = 4_096

_PATH = re.compile(
    rb"/feeds/(?:([A-Za-z0-9]{1,64})/)?velopack/(([A-Za-z0-9_-]+)/([A-Za-z0-9_.-]+)/([A-Za-z0-9_-]+)/([A-Za-z0-9._-]+))"
)
_CACHING = header_lines(*((name.lower().encode(), value.encode()) for name, value in CACHING.items()))


class _Place(NamedTuple):
    """What a feed's path names, the token left aside."""

    product: ProductName
    machine: Platform
    channel: ChannelName


class _Asked(NamedTuple):
    """A plain request for a feed's index. ``digest`` is of the feed token or of the licence key."""

    place: _Place
    head: PlainHead
    catalogue: Catalogue
    digest: str
    is_by_token: bool


class FastVelopack:
    """ASGI. ``general`` is the application that answers everything."""

    def __init__(self, general: ASGIApp, identify: IdentifyLicence, check_for_update: CheckForUpdate) -> None:
        self._general = general
        self._identify = identify
        self._identified = Identified(identify)
        self._source = check_for_update.catalogue
        self._today = VendorDay(check_for_update.policy, check_for_update.clock)
        self._answers: KeptAnswers[tuple[str, _Place, bytes]] = KeptAnswers(MAX_ANSWERS, self._today)
        self._places: RecentlyUsed[bytes, _Place] = RecentlyUsed(_REMEMBERED)
        self._versions: RecentlyUsed[str, Version] = RecentlyUsed(_REMEMBERED)
        self._bodies: RecentlyUsed[tuple[int, Platform], tuple[UpdateIndex, bytes]] = RecentlyUsed(_REMEMBERED)

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """The answer, where nothing has to be waited for and the general route has nothing to say."""
        asked = self._plain(scope)
        if asked is None:
            return None
        try:
            known = self._at_hand(asked)
            if known is None and self._identify.database.quick.is_inline:
                known = self._known(asked)
            return self._answer(known, asked, scope["query_string"]) if known is not None else None
        except TenureError as error:
            return refusal(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._plain(scope)
        answer = None
        if asked is not None:
            try:
                known = self._at_hand(asked)
                if known is None:
                    known = await self._awaited(asked)
                answer = self._answer(known, asked, scope["query_string"])
            except TenureError as error:
                answer = refusal(error)
        if answer is None:
            await self._general(scope, receive, send)
        else:
            await answer.send(send)

    def _plain(self, scope: Scope) -> _Asked | None:
        path = _PATH.fullmatch(scope["raw_path"])
        if path is None or len(scope["query_string"]) > MAX_QUERY_BYTES:
            return None
        place, token = self._place(path), path[1]
        head = any_plain_head(scope) if token is not None else plain_head(scope)
        is_here = self._identify.database.as_of is None  # feeds are not answered from a copy
        catalogue = self._source.at_hand() if is_here else None
        if place is None or head is None or catalogue is None:
            return None
        digest = digest_of(token.decode()) if token is not None else licence_key_digest(head.key)
        return _Asked(place, head, catalogue, digest, token is not None)

    def _at_hand(self, asked: _Asked) -> KnownLicence | None:
        if asked.is_by_token:
            return self._identify.at_hand_by_token(asked.digest)
        return self._identify.at_hand(asked.digest, asked.catalogue)

    def _known(self, asked: _Asked) -> KnownLicence:
        if not asked.is_by_token:
            return self._identify.known(asked.head.key, asked.digest, asked.catalogue)
        known = self._identify.known_by_token(asked.digest)
        if known is None:
            raise unknown_feed_token()
        return known

    async def _awaited(self, asked: _Asked) -> KnownLicence:
        if not asked.is_by_token:
            return await self._identified.by(asked.head.key, asked.digest, asked.catalogue)
        return await run_in_threadpool(self._known, asked)

    def _answer(self, known: KnownLicence, asked: _Asked, query: bytes) -> WholeAnswer | None:
        question = asked.digest, asked.place, query
        kept = self._answers.get(question, known, asked.catalogue) or self._decided(known, question, asked.catalogue)
        return kept.for_tags(asked.head.if_none_match) if kept is not None else None

    def _decided(
        self, known: KnownLicence, question: tuple[str, _Place, bytes], catalogue: Catalogue
    ) -> KeptAnswer | None:
        (_, place, query), facts = question, known.facts
        copy = self._copy(query, place)
        if copy is None or facts.status is not LicenceStatus.ACTIVE or facts.product != place.product:
            return None
        published = catalogue.products.get(place.product)
        if published is None:
            return None
        now, today = self._today.now()
        index = published.index_on(today)
        try:
            choice = index.choose(known.entitlement(published.product.service_packs), copy, now)
        except InvalidName:
            return None
        answer = kept_answer(known, index, self._body(index, published, choice.offer, copy.machine), _CACHING)
        self._answers.put(question, answer)
        return answer

    def _place(self, path: re.Match[bytes]) -> _Place | None:
        found = self._places.get(path[2])
        if found is None:
            product, machine, channel, file = (path[n].decode() for n in (3, 4, 5, 6))
            if not INDEX.fullmatch(file):
                return None
            try:
                found = _Place(parse_product(product), parse_platform(machine), parse_channel(channel))
            except SigningError:
                return None
            self._places.put(path[2], found)
        return found

    def _copy(self, query: bytes, place: _Place) -> InstalledCopy | None:
        """The installed copy as a query without escapes and repetitions has it."""
        if b"%" in query or b"+" in query or not query.isascii():
            return None
        values: dict[str, str] = {}
        for pair in query.decode("ascii").split("&") if query else ():
            name, equals, value = pair.partition("=")
            if not equals or name in values:
                return None
            values[name] = value
        version = self._version(values.get("localVersion", ""))
        if version is None:
            return None
        return InstalledCopy(version, place.machine, place.channel, install_id_of(values.get("stagingId", "")))

    def _version(self, text: str) -> Version | None:
        found = self._versions.get(text)
        if found is None:
            try:
                found = installed_version(text)
            except SigningError:
                return None
            self._versions.put(text, found)
        return found

    def _body(self, index: UpdateIndex, published: PublishedProduct, offer: Offer | None, machine: Platform) -> bytes:
        """Releases live as long as their index, so they are told apart by identity."""
        key = (id(offer.release) if offer is not None else 0, machine)
        kept = self._bodies.get(key)
        if kept is not None and kept[0] is index:
            return kept[1]
        body = index_of(offer, published.notes.get(offer.release.version) if offer is not None else None)
        self._bodies.put(key, (index, body))
        return body
