"""Every address of the API, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from tenure_server.errors import Forbidden, NotFound, StoreUnavailable
from tenure_server.http import (
    activations,
    downloads,
    health,
    install_reports,
    licence,
    local_uploads,
    metadata,
    metrics,
    openapi,
    publishing,
    release_drafts,
    releases,
    seats,
    tokens,
    trust,
    update_check,
)
from tenure_server.http.authentication import Authentication, TokenAuthentication
from tenure_server.http.edge import BodyLimit, Edge
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.fast_downloads import FastDownloads
from tenure_server.http.fast_metadata import FastMetadata
from tenure_server.http.fast_routes import FastApplication, FastRoute, FastRoutes
from tenure_server.http.fast_update_check import FastUpdateCheck
from tenure_server.http.integration import IntegrationParts, integration_endpoints
from tenure_server.http.licence import FeedAddresses
from tenure_server.http.local_store import LocalStoreDownloads
from tenure_server.http.local_uploads import LocalStoreUploads
from tenure_server.http.parameters import StoredFileRequest
from tenure_server.http.problem_records import ProblemEndpoints, ProblemParts
from tenure_server.http.problems import EXCEPTION_HANDLERS
from tenure_server.http.request_counts import RequestCounts
from tenure_server.http.sales import SalesParts, sales_endpoints
from tenure_server.http.support_requests import SupportParts, SupportRequestEndpoints
from tenure_server.use_cases.api_tokens import AuthenticateToken
from tenure_server.use_cases.change_release_draft import ChangeReleaseDraft
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.download import Download
from tenure_server.use_cases.draft_board import DraftBoard
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.list_releases import ListReleases
from tenure_server.use_cases.ports import Clock, Database, ObjectStore
from tenure_server.use_cases.publish_signed import PlanPublishing, PublishesReleases
from tenure_server.use_cases.release_draft_standing import ListReleaseDrafts
from tenure_server.use_cases.report_install import ReportInstall
from tenure_server.use_cases.upload_builds import UploadBuilds

STORED_FILE = Operation(
    summary="A build's bytes from the embedded store, whole or in ranges",
    request=StoredFileRequest,
    answer="application/octet-stream",
    access=Access.LINK,
    is_conditional=True,
    refusals=(Forbidden, NotFound, StoreUnavailable),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the addresses need. ``stored_files`` is None where builds lie in S3."""

    database: Database
    store: ObjectStore
    clock: Clock  # the real one: metadata expires by it
    identify_licence: IdentifyLicence
    check_for_update: CheckForUpdate
    list_releases: ListReleases
    show_licence: ShowLicence
    download: Download
    report_install: ReportInstall
    seats: activations.SeatParts
    public_url: str
    feed_addresses: FeedAddresses
    stored_files: LocalStoreDownloads | None
    metadata_is_public: bool
    authenticate_token: AuthenticateToken
    plan_publishing: PlanPublishing
    upload_builds: UploadBuilds
    publish_signed: PublishesReleases
    draft_board: DraftBoard
    list_release_drafts: ListReleaseDrafts
    change_release_draft: ChangeReleaseDraft
    received_parts: LocalStoreUploads | None
    integration: IntegrationParts
    sales: SalesParts
    support: SupportParts
    problems: ProblemParts
    readiness: health.Readiness
    metrics: metrics.ServerMetrics
    request_counts: RequestCounts


def endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """Every address with what it promises, the description of them all included."""
    described = tuple(_endpoints(parts))
    description = openapi.DescriptionEndpoint.of(described)
    return (*described, Endpoint(openapi.PATH, description.get, openapi.OPERATION))


def _endpoints(parts: Parts) -> Iterator[Endpoint]:
    authentication = Authentication(parts.identify_licence)
    check = update_check.UpdateCheckEndpoint(authentication, parts.check_for_update, parts.public_url)
    listing = releases.ReleasesEndpoint(authentication, parts.list_releases, parts.public_url)
    standing = licence.LicenceEndpoint(authentication, parts.show_licence, parts.feed_addresses)
    trusted_files = downloads.TrustedFilesEndpoint(parts.database)
    builds = downloads.DownloadsEndpoint(authentication, parts.download)
    by_token = TokenAuthentication(parts.authenticate_token)
    roles = metadata.MetadataEndpoint(parts.database, None if parts.metadata_is_public else authentication, by_token)
    lives = health.HealthEndpoints(parts.readiness, parts.check_for_update.catalogue)

    yield Endpoint("/v1/update-check", check.get, update_check.OPERATION)
    yield Endpoint("/v1/releases", listing.get, releases.OPERATION)
    yield Endpoint("/v1/licence", standing.get, licence.OPERATION)
    reports = install_reports.InstallReportsEndpoint(authentication, parts.report_install)
    yield Endpoint("/v1/install-reports", reports.post, install_reports.OPERATION)
    machines = activations.ActivationsEndpoint(authentication, parts.seats)
    yield Endpoint("/v1/activations", machines.get, activations.LIST)
    yield Endpoint("/v1/activations", machines.post, activations.ACTIVATE)
    yield Endpoint("/v1/activations", machines.delete, activations.RELEASE)
    yield from seats.seat_endpoints(TokenAuthentication(parts.authenticate_token), parts.seats)
    yield Endpoint("/downloads/_trust/{file}", trusted_files.get, downloads.TRUSTED_FILE)
    yield Endpoint("/downloads/{product}/{version}/{file}", builds.get, downloads.DOWNLOAD)
    yield Endpoint("/metadata/{file}", roles.get, metadata.OPERATION)
    if parts.stored_files is not None:
        yield Endpoint("/store/{key:path}", parts.stored_files.get, STORED_FILE)
    yield Endpoint("/v1/token", tokens.TokenEndpoint(by_token).get, tokens.OPERATION)
    publishes = publishing.PublishingEndpoints(
        by_token, parts.plan_publishing, parts.upload_builds, parts.publish_signed
    )
    yield Endpoint("/v1/publishing/drafts", publishes.draft, publishing.DRAFT)
    yield Endpoint("/v1/publishing/uploads", publishes.upload, publishing.UPLOAD)
    yield Endpoint("/v1/publishing/uploads/complete", publishes.complete, publishing.COMPLETE)
    yield Endpoint("/v1/publishing/publish", publishes.publish_release, publishing.PUBLISH)
    yield from integration_endpoints(TokenAuthentication(parts.authenticate_token), parts.integration)
    board = trust.TrustEndpoints(by_token, parts.draft_board)
    yield Endpoint("/v1/trust/drafts", board.drafts, trust.LIST)
    yield Endpoint("/v1/trust/drafts/{code}", board.fetch, trust.FETCH)
    yield Endpoint(trust.PUSH_PATH, board.push, trust.PUSH)
    yield Endpoint("/v1/trust/drafts/{code}/signatures", board.sign, trust.SIGN)
    yield Endpoint("/v1/trust/drafts/{code}/submit", board.submit, trust.SUBMIT)
    yield Endpoint("/v1/trust/drafts/{code}/cancel", board.cancel, trust.CANCEL)
    yield Endpoint("/v1/trust/key-holders", board.key_holders, trust.KEY_HOLDERS)
    yield from release_drafts.ReleaseDraftEndpoints(
        TokenAuthentication(parts.authenticate_token), parts.list_release_drafts, parts.change_release_draft
    ).endpoints()
    if parts.received_parts is not None:
        yield Endpoint("/uploads/{upload}/{number}", parts.received_parts.put, local_uploads.PART)
    yield from sales_endpoints(TokenAuthentication(parts.authenticate_token), parts.database, parts.sales)
    yield from SupportRequestEndpoints(TokenAuthentication(parts.authenticate_token), parts.support).endpoints()
    yield from ProblemEndpoints(TokenAuthentication(parts.authenticate_token), parts.problems).endpoints()
    yield Endpoint("/healthz", lives.live, health.LIVE)
    yield Endpoint("/readyz", lives.ready, health.READY)
    measures = metrics.MetricsEndpoint(TokenAuthentication(parts.authenticate_token), parts.metrics)
    yield Endpoint("/metrics", measures.get, metrics.OPERATION)


def _fast_routes(parts: Parts, general: ASGIApp) -> FastRoutes:
    check = FastUpdateCheck(general, parts.identify_licence, parts.check_for_update, parts.public_url)
    fast: dict[bytes, FastRoute] = {
        b"/v1/update-check": check,
        b"/downloads/": FastDownloads(general, parts.identify_licence, parts.download),
    }
    if parts.metadata_is_public:
        fast[b"/metadata/"] = FastMetadata(general, parts.database)
    return fast


def application(
    parts: Parts, more: Sequence[BaseRoute] = (), more_fast: Callable[[ASGIApp], FastRoutes] = lambda general: {}
) -> FastApplication:
    """The API, and more routes beside it: the customer page, the native feeds."""
    app = FastApplication(
        counts=parts.request_counts,
        load=parts.metrics.load,
        fast=lambda general: {**_fast_routes(parts, general), **more_fast(general)},
        prepare=parts.check_for_update.catalogue.current,
        as_of=lambda: parts.database.as_of,
        routes=[*(endpoint.route() for endpoint in endpoints(parts)), *more],
        middleware=[Middleware(Edge), Middleware(BodyLimit)],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )
    app.router.redirect_slashes = False  # it redirects to whatever host the request names
    return app
