"""Forms that a browser sends: read within limits, and only from our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from tenure_server.errors import Forbidden, InvalidRequest

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 8


def require_own_page(request: Request, public_url: str) -> None:
    """Refuse a form that another site's page has sent (CSRF). Raises ``Forbidden`` (``foreign_form``).

    Browsers say where a form comes from: ``Sec-Fetch-Site`` over https and on loopback, ``Origin`` always. A request
    with neither comes from no browser's form and is refused too. Behind a proxy that rewrites ``Host``, the public
    address is what ``Origin`` names.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own_hosts = {request.headers.get("host"), urlsplit(public_url).netloc}
    if site is not None:
        is_own = site == "same-origin"
    else:
        is_own = origin is not None and urlsplit(origin).netloc in own_hosts - {None, ""}
    if not is_own:
        raise Forbidden(
            "The form was not sent from this page.", code="foreign_form", hint="open the page anew and try again"
        )


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of the form; of one that is there twice, the last. The body's size is limited by the application."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise InvalidRequest("This is not a form.", code="not_a_form")
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise InvalidRequest("The form cannot be read.", code="malformed_form") from error
