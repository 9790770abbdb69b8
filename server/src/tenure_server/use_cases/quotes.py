"""Quotes are made, accepted and withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from tenure_server.domain.orders import Order, Sale
from tenure_server.domain.paging import Page, Place
from tenure_server.domain.quotes import Quote, QuoteState
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.customers import customer_of
from tenure_server.use_cases.once import Once, claimed, settle
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.sell import Selling, order_of
from tenure_server.use_cases.sound_sale import require_free_support_ahead

MAX_VALID_DAYS = 366


@dataclass(frozen=True, slots=True)
class MakeQuote:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(
        self,
        wanted: Callable[[Records], tuple[str, Sale]],
        *,
        who: str,
        valid_days: int | None = None,
        once: Once | None = None,
    ) -> Quote:
        """What it would cost, good for some days from today on. The renewal window is looked at when it is accepted: a
        quote can be made before it opens. Raises as ``Selling.priced``, and ``InvalidRequest`` (``invalid_validity``).
        """
        now = self.clock()
        policy = self.selling.policy
        days = valid_days if valid_days is not None else policy.quote_days
        if not 1 <= days <= MAX_VALID_DAYS:
            raise InvalidRequest(f"A quote is good for 1 to {MAX_VALID_DAYS} days.", code="invalid_validity")
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return quote_of(records, before)
            customer_id, sale = wanted(records)
            customer = customer_of(records, customer_id)
            today = policy.day_of(now)
            priced = self.selling.priced(records, sale, customer, today)
            sale = priced.sale
            require_free_support_ahead(sale, today)
            quote = Quote(
                number=f"Q-{today.year}-{records.numbers.next(f'quote {today.year}'):05}",
                customer_id=customer_id,
                sale=sale,
                lines=priced.lines,
                terms=policy.quote_terms,
                made_at=now,
                made_on=today,
                valid_until=today + timedelta(days=days),
            )
            records.quotes.add(quote)
            audited(
                records, now, who, "quote.make", quote.number,
                customer=customer_id, kind=sale.kind, licence=sale.licence_id,
                total_minor_units=quote.total.minor_units, currency=sale.currency,
                valid_until=quote.valid_until.isoformat(),
            )  # fmt: skip
            settle(records, once, quote.number, now)
        return quote


@dataclass(frozen=True, slots=True)
class AcceptQuote:
    database: Database
    clock: Clock
    selling: Selling

    def __call__(self, number: str, *, who: str, reference: str | None = None, once: Once | None = None) -> Order:
        """The order of what it offers, at its price; the same one however often it is accepted.

        Raises ``Conflict``: ``quote_expired``, ``quote_withdrawn``, ``quote_outdated`` where the licence's total
        purchase price is another one since, and as ``Selling.place``.
        """
        now = self.clock()
        with self.database.writing() as records:
            before = claimed(records, once, now)
            if before is not None:
                return order_of(records, before)
            quote = quote_of(records, number, locked=True)
            if quote.order is not None:
                settle(records, once, quote.order, now)
                return order_of(records, quote.order)
            state = quote.state_on(self.selling.policy.day_of(now))
            if state is not QuoteState.OPEN:
                raise Conflict(f"Quote {number} is {state}.", code=f"quote_{state}", hint="make a new one of the same")
            customer = customer_of(records, quote.customer_id)
            order = self.selling.place(records, quote.sale, customer, now, who=who, reference=reference, quote=quote)
            records.quotes.change(replace(quote, state=QuoteState.ACCEPTED, order=order.number))
            audited(
                records, now, who, "quote.accept", number,
                before=quote.state, after=QuoteState.ACCEPTED, order=order.number,
            )  # fmt: skip
            settle(records, once, order.number, now)
        return order


@dataclass(frozen=True, slots=True)
class WithdrawQuote:
    database: Database
    clock: Clock

    def __call__(self, number: str, *, reason: str, who: str, once: Once | None = None) -> Quote:
        """Nothing happens if it is withdrawn already. Raises ``Conflict`` (``quote_accepted``)."""
        reason = required_reason(reason)
        now = self.clock()
        with self.database.writing() as records:
            if claimed(records, once, now) is not None:
                return quote_of(records, number)
            quote = quote_of(records, number, locked=True)
            if quote.state is QuoteState.ACCEPTED:
                raise Conflict(
                    f"Quote {number} was accepted as {quote.order}.", code="quote_accepted", hint="cancel the order"
                )
            withdrawn = replace(quote, state=QuoteState.WITHDRAWN)
            if quote.state is not QuoteState.WITHDRAWN:
                records.quotes.change(withdrawn)
                audited(
                    records, now, who, "quote.withdraw", number,
                    before=quote.state, after=withdrawn.state, reason=reason,
                )  # fmt: skip
            settle(records, once, number, now)
        return withdrawn


@dataclass(frozen=True, slots=True)
class ListQuotes:
    database: Database

    def __call__(self, *, customer_id: str | None = None, limit: int, after: Place | None = None) -> Page[Quote]:
        with self.database.reading() as records:
            found = records.quotes.search(customer_id=customer_id, limit=limit + 1, after=after)
        entries = found[:limit]
        return Page(entries, Place(entries[-1].made_at, entries[-1].number) if len(found) > limit else None)


def quote_of(records: Records, number: str, *, locked: bool = False) -> Quote:
    """Raises ``NotFound`` (``unknown_quote``)."""
    quote = records.quotes.locked(number) if locked else records.quotes.get(number)
    if quote is None:
        raise NotFound("There is no such quote.", code="unknown_quote", hint="tenure quote list shows the newest")
    return quote
