"""The addresses of selling, and what they need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tenure_server.http import customers, exchange, orders, quotes, shop_webhooks
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.endpoint import Endpoint
from tenure_server.http.release_prices import release_price_endpoints
from tenure_server.papers.quote_paper import Vendor
from tenure_server.use_cases.customers import (
    AddCustomer,
    AnonymiseCustomer,
    ChangeCustomer,
    DeleteCustomer,
    ListCustomers,
)
from tenure_server.use_cases.exports import Export
from tenure_server.use_cases.import_customers import ImportContacts, ImportCustomers
from tenure_server.use_cases.import_licences import ImportLicences
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.merge_customers import MergeCustomers, MoveLicence
from tenure_server.use_cases.orders import CancelOrder, ConfirmPayment, ListOrders, PlaceOrder, RefundOrder
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.quotes import AcceptQuote, ListQuotes, MakeQuote, WithdrawQuote
from tenure_server.use_cases.upgrades import SetReleasePrice, UpgradeOffers
from tenure_server.use_cases.vendor import VendorPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesParts:
    """What the addresses of selling need."""

    list_customers: ListCustomers
    add_customer: AddCustomer
    change_customer: ChangeCustomer
    delete_customer: DeleteCustomer
    anonymise_customer: AnonymiseCustomer
    merge_customers: MergeCustomers
    move_licence: MoveLicence
    list_orders: ListOrders
    place_order: PlaceOrder
    confirm_payment: ConfirmPayment
    cancel_order: CancelOrder
    refund_order: RefundOrder
    show_licence: ShowLicence
    upgrade_offers: UpgradeOffers
    list_quotes: ListQuotes
    make_quote: MakeQuote
    accept_quote: AcceptQuote
    withdraw_quote: WithdrawQuote
    clock: Clock
    policy: VendorPolicy
    set_release_price: SetReleasePrice
    vendor: Vendor
    shop_webhooks: shop_webhooks.ShopWebhooks
    export: Export
    import_customers: ImportCustomers
    import_contacts: ImportContacts
    import_licences: ImportLicences


def sales_endpoints(authentication: TokenAuthentication, database: Database, parts: SalesParts) -> Iterator[Endpoint]:
    served = customers.CustomerEndpoints(
        authentication,
        database,
        parts.list_customers,
        parts.add_customer,
        parts.change_customer,
        parts.delete_customer,
        parts.anonymise_customer,
        parts.merge_customers,
    )
    yield Endpoint("/v1/customers", served.list, customers.LIST)
    yield Endpoint("/v1/customers", served.add, customers.ADD)
    yield Endpoint("/v1/customers/{customer_id}", served.show, customers.SHOW)
    yield Endpoint("/v1/customers/{customer_id}", served.change, customers.CHANGE)
    yield Endpoint("/v1/customers/{customer_id}", served.delete, customers.DELETE)
    yield Endpoint("/v1/customers/{customer_id}/anonymise", served.anonymise, customers.ANONYMISE)
    yield Endpoint("/v1/customers/{customer_id}/merge", served.merge, customers.MERGE)
    sold = orders.OrderEndpoints(
        authentication,
        database,
        parts.list_orders,
        parts.place_order,
        parts.confirm_payment,
        parts.cancel_order,
        parts.refund_order,
        parts.show_licence,
        parts.upgrade_offers,
        parts.move_licence,
    )
    yield Endpoint("/v1/orders", sold.list, orders.LIST)
    yield Endpoint("/v1/orders", sold.place, orders.PLACE)
    yield Endpoint("/v1/orders/{number}", sold.show, orders.SHOW)
    yield Endpoint("/v1/orders/{number}/payment", sold.pay, orders.PAY)
    yield Endpoint("/v1/orders/{number}/cancel", sold.cancel, orders.CANCEL)
    yield Endpoint("/v1/orders/{number}/refund", sold.refund, orders.REFUND)
    quoted = quotes.QuoteEndpoints(
        authentication,
        database,
        parts.clock,
        parts.policy,
        parts.vendor,
        parts.list_quotes,
        parts.make_quote,
        parts.accept_quote,
        parts.withdraw_quote,
    )
    yield Endpoint("/v1/quotes", quoted.list, quotes.LIST)
    yield Endpoint("/v1/quotes", quoted.make, quotes.MAKE)
    yield Endpoint("/v1/quotes/{number}", quoted.show, quotes.SHOW)
    yield Endpoint("/v1/quotes/{number}/page", quoted.page, quotes.PAGE)
    yield Endpoint("/v1/quotes/{number}/pdf", quoted.pdf, quotes.PDF)
    yield Endpoint("/v1/quotes/{number}/accept", quoted.accept, quotes.ACCEPT)
    yield Endpoint("/v1/quotes/{number}/withdraw", quoted.withdraw, quotes.WITHDRAW)
    yield from release_price_endpoints(authentication, parts.set_release_price)
    yield Endpoint("/v1/shop/payments", parts.shop_webhooks.payment, shop_webhooks.PAYMENT)
    yield Endpoint("/v1/shop/stripe", parts.shop_webhooks.stripe, shop_webhooks.STRIPE_EVENT)
    yield Endpoint("/v1/licences", sold.licences, orders.LICENCES)
    yield Endpoint("/v1/licences/{licence_id}", sold.licence, orders.LICENCE)
    yield Endpoint("/v1/licences/{licence_id}/move", sold.move, orders.MOVE)
    imports: dict[exchange.Importable, exchange.Import] = {
        exchange.Importable.CUSTOMERS: parts.import_customers,
        exchange.Importable.CONTACTS: parts.import_contacts,
        exchange.Importable.LICENCES: parts.import_licences,
    }
    exchanged = exchange.ExchangeEndpoints(authentication, parts.export, imports)
    yield Endpoint("/v1/exports/{table}", exchanged.get, exchange.EXPORT)
    yield Endpoint("/v1/imports/{table}", exchanged.post, exchange.IMPORT)
