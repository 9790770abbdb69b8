"""The web application of an installation: the API, the embedded store's downloads, the customer page and the feeds."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from tenure_server.domain.licences import Licence
from tenure_server.domain.signer_life import SignerMode
from tenure_server.feeds.fast_velopack import FastVelopack
from tenure_server.feeds.velopack import feed_routes
from tenure_server.http.activations import SeatParts
from tenure_server.http.fast_routes import FastApplication, FastRoutes
from tenure_server.http.health import Readiness
from tenure_server.http.integration import IntegrationParts
from tenure_server.http.load_shedding import LoadShedding
from tenure_server.http.local_store import LocalStoreDownloads
from tenure_server.http.local_uploads import LocalStoreUploads
from tenure_server.http.metrics import ServerMetrics
from tenure_server.http.problem_records import ProblemParts
from tenure_server.http.request_counts import RequestCounts
from tenure_server.http.routes import Parts, application
from tenure_server.http.sales import SalesParts
from tenure_server.http.support_requests import SupportParts
from tenure_server.installation import Installation
from tenure_server.portal.request_pages import RequestSteps
from tenure_server.portal.routes import portal_routes
from tenure_server.use_cases.measure import Measure


def server_metrics(installation: Installation) -> ServerMetrics:
    """What one process measures, for its addresses and for a listener that serves nothing else."""
    mode, clock = SignerMode(installation.settings.signer), installation.signing_clock
    readiness = Readiness(installation.database, installation.store, clock, mode)
    counts = RequestCounts()
    load = LoadShedding(installation.settings.longest_wait_milliseconds / 1000, counts)
    return ServerMetrics(readiness, Measure(installation.database, clock, mode), counts, load)


def create_app(installation: Installation, metrics: ServerMetrics | None = None) -> FastApplication:
    """Nothing is read or opened but keys; ``/readyz`` tells whether the rest is usable.

    Raises ``NotInitialised`` before ``tenure init``.
    """
    local_store, local_uploads = installation.local_store, installation.local_uploads
    settings = installation.settings
    metrics = metrics or server_metrics(installation)
    public_url = settings.public_url

    def feed_addresses(licence: Licence) -> Mapping[str, str]:
        token = installation.feed_tokens.token_of(licence.licence_id)
        return {"velopack": f"{public_url}/feeds/{token}/velopack/{licence.product}"}

    api = Parts(
        database=installation.database,
        store=installation.store,
        clock=installation.signing_clock,
        identify_licence=installation.identify_licence,
        check_for_update=installation.check_for_update,
        list_releases=installation.list_releases,
        show_licence=installation.show_licence,
        download=installation.download,
        report_install=installation.report_install,
        seats=SeatParts(
            installation.activate_seat, installation.release_seat, installation.list_seats, installation.set_seat_rules
        ),
        public_url=public_url,
        feed_addresses=feed_addresses,
        stored_files=(
            LocalStoreDownloads(local_store, installation.redeem_link, settings.nginx_location)
            if local_store is not None
            else None
        ),
        metadata_is_public=settings.metadata_access == "public",
        authenticate_token=installation.authenticate_token,
        plan_publishing=installation.plan_publishing,
        upload_builds=installation.upload_builds,
        publish_signed=installation.publish_signed,
        draft_board=installation.draft_board,
        list_release_drafts=installation.list_release_drafts,
        change_release_draft=installation.change_release_draft,
        received_parts=LocalStoreUploads(local_uploads) if local_uploads is not None else None,
        integration=IntegrationParts(
            read_events=installation.read_events,
            manage_webhooks=installation.manage_webhooks,
            show_webhooks=installation.show_webhooks,
            make_report=installation.make_report,
        ),
        sales=SalesParts(
            list_customers=installation.list_customers,
            add_customer=installation.add_customer,
            change_customer=installation.change_customer,
            delete_customer=installation.delete_customer,
            anonymise_customer=installation.anonymise_customer,
            list_orders=installation.list_orders,
            place_order=installation.place_order,
            confirm_payment=installation.confirm_payment,
            cancel_order=installation.cancel_order,
            refund_order=installation.refund_order,
            show_licence=installation.show_licence,
            upgrade_offers=installation.upgrade_offers,
            set_release_price=installation.set_release_price,
            merge_customers=installation.merge_customers,
            move_licence=installation.move_licence,
            export=installation.export,
            import_customers=installation.import_customers,
            import_contacts=installation.import_contacts,
            import_licences=installation.import_licences,
            list_quotes=installation.list_quotes,
            make_quote=installation.make_quote,
            accept_quote=installation.accept_quote,
            withdraw_quote=installation.withdraw_quote,
            clock=installation.clock,
            policy=installation.policy,
            vendor=installation.vendor,
            shop_webhooks=installation.shop_webhooks,
        ),
        support=SupportParts(
            list_requests=installation.list_requests,
            show_request=installation.show_request,
            open_request=installation.open_request,
            change_request=installation.change_request,
            close_request=installation.close_request,
            reopen_request=installation.reopen_request,
            reply_to_request=installation.reply_to_request,
            note_on_request=installation.note_on_request,
            hear_customer=installation.hear_customer,
            who_calls=installation.who_calls,
        ),
        problems=ProblemParts(
            list_problems=installation.list_problems,
            report_problem=installation.report_problem,
            add_reporter=installation.add_problem_reporter,
            change_problem=installation.change_problem,
            take_step=installation.take_problem_step,
        ),
        readiness=metrics.readiness,
        metrics=metrics,
        request_counts=metrics.counts,
    )
    feeds = feed_routes(
        database=installation.database,
        catalogue=installation.catalogue,
        identify_licence=installation.identify_licence,
        check_for_update=installation.check_for_update,
        download=installation.download,
    )
    portal = portal_routes(
        database=installation.database,
        identify_licence=installation.identify_licence,
        show_licence=installation.show_licence,
        list_releases=installation.list_releases,
        upgrade_offers=installation.upgrade_offers,
        download=installation.download,
        feed_tokens=installation.feed_tokens,
        list_seats=installation.list_seats,
        release_seat=installation.release_seat,
        public_url=public_url,
        vendor_name=settings.vendor_name,
        renewal_url=settings.renewal_url,
        session_secret=installation.keys.secret_for("portal sessions"),
        session_clock=installation.signing_clock,
        reminder_choice=installation.reminder_choice,
        request_steps=RequestSteps(
            list_requests=installation.list_requests,
            show_request=installation.show_request,
            open_request=installation.open_request,
            change_request=installation.change_request,
            hear_customer=installation.hear_customer,
        ),
        zone=installation.policy.zone,
    )

    def fast_feeds(general: ASGIApp) -> FastRoutes:
        return {b"/feeds/": FastVelopack(general, installation.identify_licence, installation.check_for_update)}

    return application(api, more=[*feeds, *portal], more_fast=fast_feeds)
