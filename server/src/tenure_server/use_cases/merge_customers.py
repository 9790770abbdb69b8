"""Two records of one customer become one; a licence goes to another customer."""

from __future__ import annotations

from dataclasses import dataclass

from tenure_server.domain.customer_merge import differences, merged
from tenure_server.domain.customers import MAX_CONTACTS, Customer
from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.orders import OrderState
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of, required_reason
from tenure_server.use_cases.customers import customer_of, living_customer, sound
from tenure_server.use_cases.events import announce, announce_licence
from tenure_server.use_cases.identifiers import new_contact_id
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database


@dataclass(frozen=True, slots=True)
class MergeCustomers:
    database: Database
    clock: Clock

    def __call__(
        self,
        kept_id: str,
        gone_id: str,
        *,
        reason: str,
        who: str,
        despite_differences: bool = False,
        once: Once | None = None,
    ) -> Customer:
        """The first, with all that was the second's: licences, orders, quotes, requests, contacts. Nothing happens if
        it was done before. Licences keep the currencies they were bought in.

        Raises ``NotFound`` (``unknown_customer``), ``InvalidRequest`` (``same_customer``, ``invalid_contact`` for more
        than ``MAX_CONTACTS``, ``invalid_notes``) and ``Conflict``: ``customers_differ`` unless the differences are
        accepted, ``customer_anonymised``, and ``customer_merged`` if either was merged into another one.
        """
        reason = required_reason(reason)
        if kept_id == gone_id:
            raise InvalidRequest("A customer cannot be merged into itself.", code="same_customer")
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return customer_of(records, kept_id)
            if customer_of(records, gone_id).merged_into == kept_id:
                settle(records, once, kept_id, now)
                return customer_of(records, kept_id)
            # in one order, so that two merges at once do not wait for each other in a circle
            both = {each: living_customer(records, each, locked=True) for each in sorted((kept_id, gone_id))}
            kept, gone = both[kept_id], both[gone_id]
            differing = differences(kept, gone)
            if differing and not despite_differences:
                raise Conflict(
                    f"The two say different things of: {', '.join(differing)}.",
                    code="customers_differ",
                    hint="if they are one customer all the same, --despite-differences: what the first says stands, the"
                    " rest goes to its notes",
                )
            whole, left = merged(kept, gone, new_contact_id(), now)
            if len(whole.contacts) > MAX_CONTACTS:
                raise InvalidRequest(f"A customer has at most {MAX_CONTACTS} contacts.", code="invalid_contact")
            sound(whole.details)
            licences = [licence.licence_id for licence in records.licences.of_customer(gone_id)]
            records.customers.merge(whole, left)
            audited(
                records, now, who, "customer.merge", kept_id,
                merged=gone_id, licences=licences, differing=list(differing), reason=reason,
            )  # fmt: skip
            audited(records, now, who, "customer.merged", gone_id, into=kept_id, reason=reason)
            announce(
                records,
                now,
                EventType.CUSTOMER_MERGED,
                kept_id,
                {"merged": gone_id, "reason": reason},
                customer=kept_id,
            )
            settle(records, once, kept_id, now)
        return whole


@dataclass(frozen=True, slots=True)
class MoveLicence:
    database: Database
    clock: Clock

    def __call__(
        self, licence_id: str, customer_id: str, *, reason: str, who: str, once: Once | None = None
    ) -> Licence:
        """It is that customer's from now on, with its support, keys and seats. What was ordered for it before stays in
        the name of who ordered it. Nothing happens if it is that customer's already.

        Raises ``NotFound`` (``unknown_licence``, ``unknown_customer``) and ``Conflict``: ``order_waiting`` while an
        order for it waits to be paid, ``customer_anonymised``, ``customer_merged``.
        """
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return licence_of(records, licence_id)
            licence = licence_of(records, licence_id)
            customer = living_customer(records, customer_id)
            if licence.customer_id != customer.customer_id:
                waiting = records.orders.search(licence_id=licence_id, state=OrderState.ORDERED, limit=1)
                if waiting:
                    raise Conflict(
                        f"Order {waiting[0].number} for this licence waits to be paid by its present customer.",
                        code="order_waiting",
                        hint=f"tenure order pay {waiting[0].number}, or tenure order cancel {waiting[0].number}",
                    )
                records.licences.set_customer(licence_id, customer_id)
                before = licence.customer_id
                licence = licence_of(records, licence_id)
                audited(records, now, who, "licence.move", licence_id, before=before, after=customer_id, reason=reason)
                announce_licence(records, now, EventType.LICENCE_MOVED, licence, before=before, reason=reason)
            settle(records, once, licence_id, now)
        return licence
