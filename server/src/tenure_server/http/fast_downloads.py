"""``GET /downloads/<product>/<version>/<file>`` of plain requests: the same ``Download``, without the framework."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.errors import TenureError
from tenure_server.http.downloads import linked, redirect_to
from tenure_server.http.fast_request import answer, identified, plain_head, refuse
from tenure_server.http.parameters import parse_requested_file
from tenure_server.use_cases.download import Download
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_signing.errors import SigningError
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.names import parse_product
from tenure_signing.versions import parse_version

_PATH = re.compile(rb"/downloads/([a-z0-9-]+)/([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)")


class FastDownloads:
    """ASGI. ``general`` is the application that answers everything; it also has the trusted files."""

    def __init__(self, general: ASGIApp, identify: IdentifyLicence, download: Download) -> None:
        self._general = general
        self._identify = identify
        self._download = download

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _PATH.fullmatch(scope["raw_path"])
        head = plain_head(scope) if path is not None and not scope["query_string"] else None
        is_answerable = (
            head is not None and self._identify.database.as_of is None
        )  # builds are not handed out by a copy
        catalogue = self._download.catalogue.at_hand() if is_answerable else None
        if path is None or head is None or catalogue is None:
            await self._general(scope, receive, send)
            return
        try:
            product, version = parse_product(path[1].decode()), parse_version(path[2].decode())
            asked = parse_requested_file(path[3].decode())
        except SigningError:
            await self._general(scope, receive, send)
            return
        try:
            digest = licence_key_digest(head.key)
            known = self._identify.at_hand(digest, catalogue) or await identified(
                self._identify, head.key, digest, catalogue
            )
            link = linked(self._download, known.facts, product, version, asked, catalogue)
        except TenureError as error:
            await refuse(error, send)
            return
        await answer(redirect_to(link), send)
