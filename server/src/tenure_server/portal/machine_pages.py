"""A customer takes the seat from a machine: a page that asks, and the form that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tenure_server.domain.licences import Licence
from tenure_server.errors import InvalidRequest, NotFound
from tenure_server.portal.forms import require_own_page
from tenure_server.portal.machine_view import DayOf, MachinesView, machine_view, machines_view
from tenure_server.portal.pages import HEADERS, Pages
from tenure_server.use_cases.seats import ListSeats, ReleaseSeat

PATH = "/portal/machines/{machine}"

_TOLD = {
    "released": "The seat was released. Another machine can have it.",
    "gone": "This machine held no seat any more.",
}
"""What the licence's page says after the form, by the word in its address."""


@dataclass(frozen=True, slots=True)
class MachinePages:
    """``licence_of``: who is signed in; raises where nobody is. ``day_of``: an instant's day at the vendor."""

    list_seats: ListSeats
    release_seat: ReleaseSeat
    pages: Pages
    public_url: str
    day_of: DayOf
    licence_of: Callable[[Request], Licence]

    def view(self, licence: Licence) -> MachinesView:
        return machines_view(self.list_seats(licence.licence_id), self.day_of)

    def ask(self, request: Request) -> Response:
        licence = self.licence_of(request)
        taken = self.list_seats(licence.licence_id)
        for seat in taken.taken:
            if seat.machine == request.path_params["machine"]:
                machine = machine_view(seat, taken, self.day_of)
                return self.pages.render("machine.html", licence=licence, machine=machine)
        raise NotFound("This machine holds no seat of your licence.", code="unknown_machine")

    async def release(self, request: Request) -> Response:
        require_own_page(request, self.public_url)
        return await run_in_threadpool(self._released, request)

    def _released(self, request: Request) -> Response:
        licence = self.licence_of(request)
        try:
            was_held = self.release_seat(licence.licence_id, request.path_params["machine"])
        except InvalidRequest as error:  # an address that somebody made up
            raise NotFound("This machine holds no seat of your licence.", code="unknown_machine") from error
        address = f"/portal?seat={'released' if was_held else 'gone'}#machines"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers=dict(HEADERS))


def told(request: Request) -> str | None:
    """What became of the form that led here."""
    return _TOLD.get(request.query_params.get("seat", ""))


Answer = Callable[[Request], Awaitable[Response]]


def machine_routes(pages: MachinePages, answering: Callable[[Answer], Answer]) -> list[Route]:
    """``answering`` puts errors on pages."""

    async def ask(request: Request) -> Response:
        return await run_in_threadpool(pages.ask, request)

    return [
        Route(PATH, answering(ask), methods=["GET"]),
        Route(f"{PATH}/release", answering(pages.release), methods=["POST"]),
    ]
