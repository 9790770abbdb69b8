"""Templates to answers: every page with the headers that keep it private and its content harmless."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from tenure_server.http.problems import RETRY_AFTER_SECONDS, Answerable
from tenure_server.portal import wording

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    # with no-referrer browsers would send "Origin: null" with our own forms
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Cookie",
}
CHALLENGE = 'License realm="tenure"'
"""RFC 9110 asks for one with a 401. ``Basic`` would make browsers show a dialog of their own."""

_ERROR_TITLES: Mapping[int, str] = {
    HTTPStatus.FORBIDDEN: "This is not possible",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.GONE: "This release was withdrawn",
    HTTPStatus.SERVICE_UNAVAILABLE: "We are not quite here at the moment",
}


def _asset(name: str) -> bytes:
    return files("tenure_server.portal").joinpath("static", name).read_bytes()


@dataclass(frozen=True)
class Pages:
    vendor: str

    @cached_property
    def stylesheet(self) -> bytes:
        return _asset("portal.css")

    @cached_property
    def icon(self) -> bytes:
        return _asset("icon.svg")

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=PackageLoader("tenure_server.portal"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(day=_time_element, counted=wording.counted)
        environment.globals.update(
            vendor=self.vendor, stylesheet_version=hashlib.sha256(self.stylesheet).hexdigest()[:16]
        )
        return environment

    def render(self, template: str, status: int = HTTPStatus.OK, **values: object) -> Response:
        body = self._environment.get_template(template).render(**values)
        headers = dict(HEADERS)
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = CHALLENGE
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return Response(body, status, headers, "text/html; charset=utf-8")

    def error(self, problem: Answerable) -> Response:
        """The problem in the words of the API, on a page for people."""
        return self.render(
            "error.html",
            problem.status,
            title=_ERROR_TITLES.get(problem.status, "This did not work"),
            detail=problem.detail,
            hint=_as_sentence(problem.hint),
        )


def _time_element(value: date) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), wording.day(value))


def _as_sentence(hint: str | None) -> str | None:
    """Hints of the API begin small and have no full stop."""
    return f"{hint[0].upper()}{hint[1:]}{'' if hint.endswith('.') else '.'}" if hint else None
