"""Where the link in a reminder leads: one button that stops reminders, in the words and the language of the mail.

Opening the link changes nothing, because mail scanners open links. Mail programs that have a button of their own POST
to the same address, from no page of ours and without a cookie (RFC 8058): the link itself is the proof.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenure_server.domain.reminder_words import WORDS
from tenure_server.portal.pages import Pages
from tenure_server.use_cases.reminder_choice import ReminderChoice

PATH = "/portal/reminders/{token}"


@dataclass(frozen=True, slots=True)
class ReminderPages:
    choice: ReminderChoice
    pages: Pages

    def ask(self, request: Request) -> Response:
        token = request.path_params["token"]
        return self._page(token, is_done=False)

    def stop(self, request: Request) -> Response:
        token = request.path_params["token"]
        self.choice.opt_out_by(token)
        return self._page(token, is_done=True)

    def _page(self, token: str, *, is_done: bool) -> Response:
        language = self.choice.language_by(token)
        return self.pages.render(
            "reminders.html", words=WORDS[language], language=language, token=token, is_done=is_done
        )


Answering = Callable[[Callable[[Request], Response]], Callable[[Request], Awaitable[Response]]]


def reminder_routes(pages: ReminderPages, answering: Answering) -> list[Route]:
    """``answering`` runs a function in a thread and puts its errors on pages."""
    return [
        Route(PATH, answering(pages.ask), methods=["GET"]),
        Route(PATH, answering(pages.stop), methods=["POST"]),
    ]
