"""How many people beside its maker approve what changes a product's releases.

Raising the number takes one person. Lowering it is a draft that as many approve as the number was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.release_drafts import MAX_APPROVALS
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.publish import product_of
from tenure_signing.names import ProductName


@dataclass(frozen=True, slots=True)
class RaiseApprovals:
    database: Database
    clock: Clock

    def __call__(self, product: ProductName, approvals: int, *, who: str) -> int:
        """The number before. Nothing changes where it is the same.

        Raises ``NotFound`` (``unknown_product``), ``InvalidRequest`` (``approvals``), ``Conflict``
        (``approvals_needed``) for a lower number.
        """
        require_number(approvals)
        with self.database.writing() as records:
            product_of(records, product)
            records.signed_files.lock()
            before = records.approval_rules.of(product)
            if approvals < before:
                raise Conflict(
                    f"Lowering the approvals of {product} from {before} takes {before} approvals.",
                    code="approvals_needed",
                    hint="say it with --server: a draft is made, and tenure drafts approve approves it",
                )
            change_approvals(records, self.clock(), product, approvals, who)
        return before


def change_approvals(records: Records, at: datetime, product: ProductName, approvals: int, who: str) -> None:
    """In the caller's transaction, who has checked that it may be done."""
    before = records.approval_rules.of(product)
    if before != approvals:
        records.approval_rules.set(product, approvals)
        audited(records, at, who, "product.approvals", product, before=before, after=approvals)


def require_number(approvals: int) -> None:
    """Raises ``InvalidRequest`` (``approvals``)."""
    if not 0 <= approvals <= MAX_APPROVALS:
        raise InvalidRequest(f"A draft takes 0 to {MAX_APPROVALS} approvals.", code="approvals")
