"""That a problem is fixed, and what that means for one reporter: facts, before they are said in some language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tenure_server.domain.reminders import PricedTerm
from tenure_signing.coverage import CoverageReason, RefusalReason
from tenure_signing.names import EditionName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Money
from tenure_signing.update_choice import Withheld
from tenure_signing.versions import Version

Standing = CoverageReason | RefusalReason | Withheld
"""Whether a licence covers a release and can download it, and why or why not."""


@dataclass(frozen=True, slots=True)
class LicenceNews:
    """``terms`` are the SMP terms that would cover the release, with their prices; none: there is no such term, or
    none is needed. ``only_today``: these cover it only if they are ordered on the day on which this is said.
    ``price`` per seat is set of a paid upgrade that is not paid."""

    licence_id: str
    edition: EditionName
    seats: int
    standing: Standing
    last_paid_day: date | None
    price: Money | None = None
    terms: tuple[PricedTerm, ...] = ()
    only_today: bool = False

    @property
    def is_covered(self) -> bool:
        return isinstance(self.standing, CoverageReason)


@dataclass(frozen=True, slots=True)
class ProblemNews:
    """``licence`` is None of a reporter of whom no licence is known."""

    vendor: str
    name: str  # of whom it is told
    number: ProblemNumber
    title: str
    product: str  # its title
    version: Version
    released_on: date
    licence: LicenceNews | None
    renewal_url: str
    portal_url: str
