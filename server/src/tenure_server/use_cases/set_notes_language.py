"""An operator says which language a product's release notes are in."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.publish import product_of
from tenure_signing.languages import Language
from tenure_signing.names import ProductName


@dataclass(frozen=True, slots=True)
class SetNotesLanguage:
    database: Database
    clock: Clock

    def __call__(self, name: ProductName, language: Language, *, who: str) -> bool:
        """Whether it was another one. Raises ``NotFound`` (``unknown_product``)."""
        with self.database.writing() as records:
            before = product_of(records, name).notes_language
            if before == language:
                return False
            records.products.set_notes_language(name, language)
            audited(records, self.clock(), who, "product.notes_language", name, before=str(before), after=str(language))
        return True
