"""``GET /downloads/<product>/<version>/<file>`` of plain requests: the same ``Download``, without the framework."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.errors import NotFound, TenureError
from tenure_server.http.downloads import redirect_response
from tenure_server.http.fast_request import Identified, PlainHead, plain_head, refusal
from tenure_server.http.kept_answers import VendorDay
from tenure_server.http.parameters import parse_requested_file
from tenure_server.http.whole_answers import WholeAnswer, whole
from tenure_server.use_cases.catalogue import Catalogue, PublishedProduct, find_file
from tenure_server.use_cases.download import Download, DownloadLink
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import KnownLicence, RecentlyUsed
from tenure_signing.errors import SigningError
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.names import parse_product
from tenure_signing.releases import Release, ReleaseFile
from tenure_signing.update_index import UpdateIndex
from tenure_signing.versions import parse_version

MAX_FILES = 16_384
"""Paths of which it is remembered which build they name, with a link to it: about 1 kB each."""

_PATH = re.compile(rb"/downloads/([a-z0-9-]+)/([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)")


@dataclass(slots=True)
class _Named:
    """What a path names on one day, as long as nothing is published, and the link that was signed last."""

    day: date
    published: PublishedProduct
    decided_by: UpdateIndex
    release: Release
    build: ReleaseFile
    bit: int  # the release's, in sets of the index
    link: DownloadLink | None = None
    redirect: WholeAnswer | None = None

    def holds(self, day: date, catalogue: Catalogue) -> bool:
        return self.day == day and catalogue.products.get(self.published.product.name) is self.published


class FastDownloads:
    """ASGI. ``general`` is the application that answers everything; it also has the trusted files."""

    def __init__(self, general: ASGIApp, identify: IdentifyLicence, download: Download) -> None:
        self._general = general
        self._identify = identify
        self._identified = Identified(identify)
        self._download = download
        self._today = VendorDay(download.policy, download.clock)
        self._named: RecentlyUsed[bytes, _Named] = RecentlyUsed(MAX_FILES)

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """The answer, where nothing has to be waited for and the general route has nothing to say."""
        asked = self._plain(scope)
        if asked is None:
            return None
        head, catalogue, named = asked
        try:
            known = self._identified.at_once(head.key, licence_key_digest(head.key), catalogue)
            return self._answer(scope["raw_path"], named, known, catalogue) if known is not None else None
        except TenureError as error:
            return refusal(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._plain(scope)
        answer = None
        if asked is not None:
            head, catalogue, named = asked
            try:
                known = await self._identified.by(head.key, licence_key_digest(head.key), catalogue)
                answer = self._answer(scope["raw_path"], named, known, catalogue)
            except TenureError as error:
                answer = refusal(error)
        if answer is None:
            await self._general(scope, receive, send)
        else:
            await answer.send(send)

    def _plain(self, scope: Scope) -> tuple[PlainHead, Catalogue, _Named | None] | None:
        path = scope["raw_path"]
        named = self._named.get(path)
        if scope["query_string"] or (named is None and not _PATH.fullmatch(path)):
            return None
        head = plain_head(scope)
        is_here = self._identify.database.as_of is None  # builds are not handed out by a copy
        catalogue = self._download.catalogue.at_hand() if head is not None and is_here else None
        return (head, catalogue, named) if head is not None and catalogue is not None else None

    def _answer(
        self, path: bytes, named: _Named | None, known: KnownLicence, catalogue: Catalogue
    ) -> WholeAnswer | None:
        now, day = self._today.now()
        if named is None or not named.holds(day, catalogue):
            named = self._look_up(path, day, catalogue)
            if named is None:
                return None
            self._named.put(path, named)
        service_packs = named.published.product.service_packs
        if not known.obtainable(named.decided_by, service_packs) & named.bit:  # the long way says why, if it says so
            self._download.decide(known.facts, known.entitlement(service_packs), named.decided_by, named.release)
        return self._redirect_to(named, now)

    def _redirect_to(self, named: _Named, now: datetime) -> WholeAnswer:
        link, redirect = named.link, named.redirect
        if link is None or redirect is None or not link.may_be_given(now):
            link = named.link = self._download.link(named.build)
            redirect = named.redirect = _redirect(link.url)
        return redirect

    def _look_up(self, path: bytes, day: date, catalogue: Catalogue) -> _Named | None:
        """None for a path that the general route has to read. Raises ``NotFound``."""
        parts = _PATH.fullmatch(path)
        assert parts is not None
        try:
            product, version = parse_product(parts[1].decode()), parse_version(parts[2].decode())
            asked = parse_requested_file(parts[3].decode())
        except SigningError:
            return None
        published = catalogue.product(product)
        index = published.index_on(day)
        try:
            release, build = find_file(index, version, asked.name)
        except NotFound:
            if asked.sha256 is not None:
                return None
            raise
        if asked.sha256 not in (None, build.sha256):
            return None
        return _Named(day, published, index, release, build, index.bit_of(release))


def _redirect(url: str) -> WholeAnswer:
    """As ``redirect_response``."""
    return WholeAnswer(302, b"location: %b\r\n%b" % (url.encode("latin-1"), _AFTER_LOCATION), b"")


_AFTER_LOCATION = whole(redirect_response("/")).head.removeprefix(b"location: /\r\n")
