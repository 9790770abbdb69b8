"""Where release drafts are kept, and how many approvals a product asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tenure_server.domain.release_drafts import ReleaseDraft
from tenure_signing.names import ProductName


class ReleaseDrafts(Protocol):
    """Who writes holds ``signed_files.lock()``, so that what was read before is still so."""

    def get(self, draft_id: str) -> ReleaseDraft | None: ...

    def put(self, draft: ReleaseDraft) -> None:
        """Keep it, in place of the one of the same id."""
        ...

    def open(self, product: ProductName | None = None) -> tuple[ReleaseDraft, ...]:
        """Those that are not over, oldest first."""
        ...

    def newest(self, product: ProductName | None = None, *, limit: int = 100) -> tuple[ReleaseDraft, ...]:
        """All of them, newest first."""
        ...

    def has_ready(self, now: datetime) -> bool:
        """Whether one is ready and its time has come. Cheap: it is asked every second."""
        ...


class ApprovalRules(Protocol):
    """How many people beside its maker must approve a draft of the product. 0 where nothing was set."""

    def of(self, product: ProductName) -> int: ...

    def set(self, product: ProductName, approvals: int) -> None:
        """Raises ``NotFound`` (``unknown_product``)."""
        ...
