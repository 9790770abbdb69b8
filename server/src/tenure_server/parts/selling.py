"""Customers, quotes, orders and licences."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.adapters.stripe_signature import is_from_stripe
from tenure_server.papers.quote_paper import Vendor
from tenure_server.parts.answering import AnsweringParts
from tenure_server.use_cases.change_licence import AddPeriodByHand, ChangeStatus
from tenure_server.use_cases.customers import (
    AddCustomer,
    AnonymiseCustomer,
    ChangeCustomer,
    DeleteCustomer,
    ListCustomers,
)
from tenure_server.use_cases.exports import Export
from tenure_server.use_cases.grant_release import GrantRelease
from tenure_server.use_cases.import_customers import ImportContacts, ImportCustomers
from tenure_server.use_cases.import_licences import ImportLicences
from tenure_server.use_cases.issue_licence import IssueLicence
from tenure_server.use_cases.merge_customers import MergeCustomers, MoveLicence
from tenure_server.use_cases.orders import CancelOrder, ConfirmPayment, ListOrders, PlaceOrder, RefundOrder
from tenure_server.use_cases.quotes import AcceptQuote, ListQuotes, MakeQuote, WithdrawQuote
from tenure_server.use_cases.receive_payment import ReceivePayment
from tenure_server.use_cases.renew_support import RenewSupport
from tenure_server.use_cases.sell import Selling
from tenure_server.use_cases.upgrades import SetReleasePrice, UpgradeOffers

if TYPE_CHECKING:
    from tenure_server.http.shop_webhooks import ShopWebhooks


class SellingParts(AnsweringParts):
    """What is sold, and what becomes of it."""

    @cached_property
    def issue_licence(self) -> IssueLicence:
        return IssueLicence(self.database, self.clock, self.selling)

    @cached_property
    def add_customer(self) -> AddCustomer:
        return AddCustomer(self.database, self.clock)

    @cached_property
    def change_customer(self) -> ChangeCustomer:
        return ChangeCustomer(self.database, self.clock)

    @cached_property
    def delete_customer(self) -> DeleteCustomer:
        return DeleteCustomer(self.database, self.clock)

    @cached_property
    def anonymise_customer(self) -> AnonymiseCustomer:
        return AnonymiseCustomer(self.database, self.clock)

    @cached_property
    def merge_customers(self) -> MergeCustomers:
        return MergeCustomers(self.database, self.clock)

    @cached_property
    def move_licence(self) -> MoveLicence:
        return MoveLicence(self.database, self.clock)

    @cached_property
    def list_customers(self) -> ListCustomers:
        return ListCustomers(self.database)

    @cached_property
    def renew_support(self) -> RenewSupport:
        return RenewSupport(self.database, self.clock, self.selling)

    @cached_property
    def selling(self) -> Selling:
        return Selling(self.policy, self.keys.licence_key_signer, self.feed_tokens, self.catalogue)

    @cached_property
    def make_quote(self) -> MakeQuote:
        return MakeQuote(self.database, self.clock, self.selling)

    @cached_property
    def accept_quote(self) -> AcceptQuote:
        return AcceptQuote(self.database, self.clock, self.selling)

    @cached_property
    def withdraw_quote(self) -> WithdrawQuote:
        return WithdrawQuote(self.database, self.clock)

    @cached_property
    def list_quotes(self) -> ListQuotes:
        return ListQuotes(self.database)

    @property
    def vendor(self) -> Vendor:
        """Who is named on papers."""
        settings = self.settings
        return Vendor(settings.vendor_name, settings.vendor_address, settings.quote_font, settings.language)

    @cached_property
    def import_licences(self) -> ImportLicences:
        return ImportLicences(self.database, self.clock, self.selling)

    @cached_property
    def import_customers(self) -> ImportCustomers:
        return ImportCustomers(self.database, self.clock)

    @cached_property
    def import_contacts(self) -> ImportContacts:
        return ImportContacts(self.database, self.clock)

    @cached_property
    def export(self) -> Export:
        return Export(self.database)

    @cached_property
    def place_order(self) -> PlaceOrder:
        return PlaceOrder(self.database, self.clock, self.selling)

    @cached_property
    def confirm_payment(self) -> ConfirmPayment:
        return ConfirmPayment(self.database, self.clock, self.selling, self.sign_certificate)

    @cached_property
    def shop_webhooks(self) -> ShopWebhooks:
        from tenure_server.http.shop_webhooks import ShopWebhooks

        settings = self.settings
        return ShopWebhooks(
            ReceivePayment(self.database, self.clock, self.confirm_payment),
            self.signing_clock,
            is_from_stripe,
            settings.shop_secret,
            settings.stripe_webhook_secret,
        )

    @cached_property
    def cancel_order(self) -> CancelOrder:
        return CancelOrder(self.database, self.clock, self.selling)

    @cached_property
    def refund_order(self) -> RefundOrder:
        return RefundOrder(self.database, self.clock, self.selling)

    @cached_property
    def list_orders(self) -> ListOrders:
        return ListOrders(self.database)

    @cached_property
    def add_period_by_hand(self) -> AddPeriodByHand:
        return AddPeriodByHand(self.database, self.clock)

    @cached_property
    def grant_release(self) -> GrantRelease:
        return GrantRelease(self.database, self.clock)

    @cached_property
    def upgrade_offers(self) -> UpgradeOffers:
        return UpgradeOffers(self.database, self.catalogue, self.clock, self.policy)

    @cached_property
    def set_release_price(self) -> SetReleasePrice:
        return SetReleasePrice(self.database, self.clock)

    @cached_property
    def change_status(self) -> ChangeStatus:
        return ChangeStatus(self.database, self.clock)
