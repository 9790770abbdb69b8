"""The Velopack feed: ``releases.<any>.json`` and the packages beside it. docs/feeds/velopack.md.

``CheckForUpdate`` says what is offered and ``Download`` hands out links; here their answers are only spelled as
Velopack's clients read them. Support that has ended is no error: the feed is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenure_server.domain.licences import Licence
from tenure_server.errors import InvalidRequest, NotFound
from tenure_server.feeds.access import FeedAccess
from tenure_server.feeds.velopack_packages import Package, packages_among
from tenure_server.http.authentication import Authentication
from tenure_server.http.downloads import redirect_to
from tenure_server.http.etags import conditional
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.download import Download
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.ports import Database
from tenure_signing.errors import SigningError
from tenure_signing.names import Platform, ProductName, parse_channel, parse_platform, parse_product
from tenure_signing.update_choice import InstalledCopy, Offer
from tenure_signing.versions import Version, parse_version

NOTHING_INSTALLED = Version("0.dev0")
"""Lower than every version a release can have."""

CACHING = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}

INDEX = re.compile(r"releases\.[A-Za-z0-9._-]{1,64}\.json", re.ASCII | re.IGNORECASE)
_INSTALL_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

T = TypeVar("T")


class Asset(BaseModel):
    """A package as Velopack's clients read it. None of the fields may be null: they refuse the whole feed."""

    model_config = ConfigDict(frozen=True)

    PackageId: str
    Version: str
    Type: str = "Full"
    FileName: str  # a plain name: it also names the file on the customer's disk
    SHA1: str
    SHA256: str  # upper case: the .NET client compares the letters
    Size: int  # bytes
    NotesMarkdown: str = ""

    @classmethod
    def of(cls, package: Package, notes: str | None) -> Asset:
        return cls(
            PackageId=package.package_id,
            Version=package.version,
            FileName=package.build.file_name,
            SHA1=package.sha1.upper(),
            SHA256=package.build.sha256.upper(),
            Size=package.build.length,
            NotesMarkdown=notes or "",
        )


class Feed(BaseModel):
    model_config = ConfigDict(frozen=True)

    Assets: list[Asset]


@dataclass(frozen=True, slots=True)
class VelopackFeed:
    """Everything under ``…/velopack/<product>/<platform>/<channel>/``: the feed's index and its packages."""

    access: FeedAccess
    catalogue: CatalogueSource
    check_for_update: CheckForUpdate
    download: Download

    def get(self, request: Request) -> Response:
        licence = self.access.licence(request)
        path = request.path_params
        product = _parsed("product", path["product"], parse_product)
        machine = _parsed("platform", path["platform"], parse_platform)
        if INDEX.fullmatch(path["file"]):
            return self._index(request, licence, product, machine)
        return self._package(licence, product, machine, path["file"])

    def _index(self, request: Request, licence: Licence, product: ProductName, machine: Platform) -> Response:
        query = request.query_params  # parameters not known here are Velopack's business
        staging_id = query.get("stagingId", "")
        copy = InstalledCopy(
            version=_parsed("localVersion", _without_build(query.get("localVersion", "")), installed_version),
            machine=machine,
            channel=_parsed("channel", request.path_params["channel"], parse_channel),
            install_id=install_id_of(staging_id),
        )
        answer = self.check_for_update(licence, product, copy)
        body = index_of(answer.choice.offer, answer.notes)
        return conditional(request, body, media_type="application/json", headers=CACHING)

    def _package(self, licence: Licence, product: ProductName, machine: Platform, file_name: str) -> Response:
        """302 to the store. The file is found by its name in any case of letters; whether the licence may have it is
        for ``Download`` to say."""
        wanted = file_name.lower()
        for release in self.catalogue.current().product(product).releases:
            for package in packages_among(release.builds_for(machine), release):
                if package.build.file_name.lower() == wanted:
                    return redirect_to(self.download(licence, product, release.version, package.build.file_name))
        raise NotFound("This feed has no such file.", code="unknown_file")


def index_of(offer: Offer | None, notes: str | None) -> bytes:
    """The feed's index: the packages of what is offered, if anything is."""
    packages = packages_among(offer.builds, offer.release) if offer is not None else ()
    return Feed(Assets=[Asset.of(package, notes) for package in packages]).model_dump_json().encode()


def installed_version(text: str) -> Version:
    return parse_version(text) if text else NOTHING_INSTALLED


def install_id_of(staging_id: str) -> str | None:
    """Velopack's id of the install, where it could be one of ours."""
    return staging_id if _INSTALL_ID.fullmatch(staging_id) else None


def _without_build(version: str) -> str:
    """SemVer 2, section 10: what follows ``+`` says nothing about the order. A bare ``+`` arrives as a space."""
    return re.split(r"[+ ]", version, maxsplit=1)[0]


def _parsed(name: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except SigningError as error:
        raise InvalidRequest(f"The {name} is not one: {error}.", code=f"invalid_{name.lower()}") from error


def feed_routes(
    *,
    database: Database,
    catalogue: CatalogueSource,
    identify_licence: IdentifyLicence,
    check_for_update: CheckForUpdate,
    download: Download,
) -> list[Route]:
    """GET and HEAD of the feeds, with the licence key in a header or the feed token in the path."""
    access = FeedAccess(Authentication(identify_licence), database)
    velopack = VelopackFeed(access, catalogue, check_for_update, download)
    return [
        Route("/feeds/velopack/{product}/{platform}/{channel}/{file}", velopack.get, methods=["GET"]),
        Route("/feeds/{token}/velopack/{product}/{platform}/{channel}/{file}", velopack.get, methods=["GET"]),
    ]
