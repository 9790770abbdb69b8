"""``GET /v1/update-check``: the complete answer to "is there an update for me?" in one round trip."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, Forbidden, InvalidRequest, NotFound
from tenure_server.http import wire
from tenure_server.http.answer_pieces import newest_answer, offer_answer
from tenure_server.http.authentication import Authentication
from tenure_server.http.endpoint import Access, Operation
from tenure_server.http.etags import conditional
from tenure_server.http.languages import wanted_languages
from tenure_server.http.parameters import UpdateCheckRequest
from tenure_server.http.reading import read
from tenure_server.use_cases.check_for_update import CheckForUpdate, UpdateAnswer
from tenure_signing.update_choice import InstalledCopy

VARY = "Authorization, Tenure-Certificate, Accept-Language"
CACHING = "private, no-cache"
NOT_KEPT = "no-store"

OPERATION = Operation(
    summary="Whether there is an update for an installed copy",
    request=UpdateCheckRequest,
    answer=wire.UpdateCheck,
    access=Access.LICENCE,
    is_conditional=True,
    refusals=(InvalidRequest, AuthenticationRequired, Forbidden, NotFound, DatabaseUnavailable),
)


@dataclass(frozen=True, slots=True)
class UpdateCheckEndpoint:
    authentication: Authentication
    check_for_update: CheckForUpdate
    public_url: str

    def get(self, request: Request) -> Response:
        licence = self.authentication.facts(request, request.headers.get("tenure-certificate"))
        asked = read(request, UpdateCheckRequest)
        copy = InstalledCopy(asked.version, asked.machine, asked.channel, asked.install_id, asked.manual, asked.turn)
        wants_certificate = asked.certificate is not None
        answer = self.check_for_update(
            licence,
            asked.product,
            copy,
            wants_certificate=wants_certificate,
            languages=wanted_languages(request, asked.lang),
        )
        body = rendered(answer, self.public_url).model_dump_json().encode()
        if wants_certificate:  # a certificate is of this instant: no two answers are the same
            return Response(body, headers={"Cache-Control": NOT_KEPT, "Vary": VARY}, media_type="application/json")
        headers = {"Cache-Control": CACHING, "Vary": VARY}
        return conditional(request, body, media_type="application/json", headers=headers)


def rendered(answer: UpdateAnswer, base_url: str) -> wire.UpdateCheck:
    choice = answer.choice
    return wire.UpdateCheck(
        status=choice.status,
        product=answer.product,
        edition=answer.licence.edition,
        channel=answer.copy.channel,
        pinned=str(choice.pin) if choice.pin is not None else None,
        installed=wire.Installed(version=str(answer.copy.version), withdrawn=wire.Withdrawal.of(choice.installed)),
        offer=offer_answer(choice.offer, answer.notes, base_url) if choice.offer is not None else None,
        newest=newest_answer(choice.newest) if choice.newest is not None else None,
        support=wire.Support.of(answer.support),
        renewal=wire.Renewal.of(answer.renewal),
        certificate=answer.certificate,
    )
