"""``GET /v1/releases``: the releases of the licence's edition, covered and not, with reasons, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, InvalidRequest, NotFound
from tenure_server.http import wire
from tenure_server.http.authentication import Authentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.etags import conditional
from tenure_server.http.languages import wanted_languages
from tenure_server.http.parameters import ReleasesRequest
from tenure_server.http.reading import read
from tenure_server.use_cases.list_releases import ListedRelease, ListReleases
from tenure_signing.coverage import NotCovered

OPERATION = Operation(
    summary="The releases of the licence's product and edition, newest version first",
    request=ReleasesRequest,
    answer=wire.ReleaseList,
    access=Access.LICENCE,
    is_conditional=True,
    refusals=(InvalidRequest, AuthenticationRequired, NotFound, DatabaseUnavailable),
)


@dataclass(frozen=True, slots=True)
class ReleasesEndpoint:
    authentication: Authentication
    list_releases: ListReleases
    public_url: str

    def get(self, request: Request) -> Response:
        licence = self.authentication.licence(request)
        asked = read(request, ReleasesRequest)
        listed = [
            each
            for each in self.list_releases(
                licence,
                machine=asked.machine,
                channel=asked.channel,
                languages=wanted_languages(request, asked.lang),
            )
            if asked.cursor is None or each.release.version < asked.cursor
        ]
        page = listed[: asked.limit]
        base_url = self.public_url
        answer = wire.ReleaseList(
            product=licence.product,
            edition=licence.edition,
            releases=[_rendered(each, base_url) for each in page],
            next_cursor=str(page[-1].release.version) if len(listed) > len(page) else None,
        )
        headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Language"}
        return conditional(request, answer.model_dump_json().encode(), media_type="application/json", headers=headers)


def _rendered(listed: ListedRelease, base_url: str) -> wire.ListedRelease:
    release = listed.release
    return wire.ListedRelease(
        version=str(release.version),
        kind=release.kind,
        released_on=release.released_on,
        channel=release.channel,
        downloadable=listed.is_downloadable,
        covered=not isinstance(listed.decision, NotCovered),
        reason=wire.reason_of(listed.decision),
        price=wire.price_of(listed.decision),
        withdrawn=wire.Withdrawal.of(release),
        notes=listed.notes,
        notes_language=listed.notes_language,
        builds=[wire.Build.of(build, base_url) for build in listed.builds],
        side_files=[wire.SideFile.of(file, base_url) for file in release.side_files],
    )
