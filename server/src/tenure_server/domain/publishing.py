"""What passes between a publisher's machine and the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tenure_server.domain.products import Product


@dataclass(frozen=True, slots=True)
class PartLink:
    """Where to PUT the bytes of one part: ``length`` of them from ``offset``. Whoever has the URL can do it."""

    number: int
    offset: int
    length: int
    url: str


@dataclass(frozen=True, slots=True)
class UploadState:
    """``missing`` parts of ``parts``; links for the first of them. ``is_stored``: nothing is left to do."""

    is_stored: bool
    parts: int
    missing: int
    links: tuple[PartLink, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishingPlan:
    """What a publisher has to know: the product's settings, the vendor's day, and how far each build is."""

    product: Product
    today: date
    uploads: tuple[UploadState, ...]
