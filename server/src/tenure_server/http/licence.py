"""``GET /v1/licence``: where the licence stands, with a fresh SMP certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain.licences import Licence
from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, InvalidRequest, NotFound
from tenure_server.http import wire
from tenure_server.http.authentication import Authentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.parameters import NoParameters
from tenure_server.http.reading import read
from tenure_server.use_cases.licence_status import ShowLicence

OPERATION = Operation(
    summary="Status, support periods, the renewal on offer and a fresh SMP certificate",
    answer=wire.LicenceAnswer,
    access=Access.LICENCE,
    refusals=(InvalidRequest, AuthenticationRequired, NotFound, DatabaseUnavailable),
)

FeedAddresses = Callable[[Licence], Mapping[str, str]]
"""The licence's feed addresses, by kind of feed. They hold its feed token: not to be logged."""


@dataclass(frozen=True, slots=True)
class LicenceEndpoint:
    authentication: Authentication
    show_licence: ShowLicence
    feed_addresses: FeedAddresses

    def get(self, request: Request) -> Response:
        licence = self.authentication.licence(request)
        read(request, NoParameters)
        standing = self.show_licence(licence)
        answer = wire.LicenceAnswer(
            licence_id=licence.licence_id,
            product=licence.product,
            edition=licence.edition,
            customer=licence.customer,
            seats=licence.seats,
            status=licence.status,
            status_reason=licence.status_reason,
            purchased_on=licence.purchased_on,
            support=wire.Support.of(standing.support),
            renewal=wire.Renewal.of(standing.renewal),
            certificate=standing.certificate,
            feeds=dict(self.feed_addresses(licence)),
        )
        headers = {"Cache-Control": "no-store", "Vary": "Authorization"}
        return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
