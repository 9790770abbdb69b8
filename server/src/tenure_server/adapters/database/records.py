"""One transaction's view of everything, put together from the repositories."""

from __future__ import annotations

from sqlmodel import Session

from tenure_server.adapters.database.audit import SqlAuditTrail
from tenure_server.adapters.database.customers import SqlCustomers, SqlOnceKeys
from tenure_server.adapters.database.install_reports import SqlInstallReports
from tenure_server.adapters.database.licences import SqlLicences
from tenure_server.adapters.database.orders import SqlNumbers, SqlOrders
from tenure_server.adapters.database.outbox import SqlOutbox
from tenure_server.adapters.database.outgoing_mail import SqlOutgoingMails
from tenure_server.adapters.database.payment_notices import SqlPaymentNotices
from tenure_server.adapters.database.problems import SqlProblemNotices, SqlProblems
from tenure_server.adapters.database.products import SqlNotes, SqlProducts, SqlRollouts
from tenure_server.adapters.database.publication import publication_counter
from tenure_server.adapters.database.quotes import SqlQuotes
from tenure_server.adapters.database.release_drafts import SqlApprovalRules, SqlReleaseDrafts
from tenure_server.adapters.database.release_prices import SqlReleasePrices
from tenure_server.adapters.database.reminders import SqlReminders
from tenure_server.adapters.database.reports import SqlReports
from tenure_server.adapters.database.seats import SqlSeats
from tenure_server.adapters.database.signed_files import SqlSignedFiles
from tenure_server.adapters.database.signer import SqlExpiryNotices, SqlPublicationRequests, SqlSignerLives
from tenure_server.adapters.database.support_messages import SqlSupportMessages
from tenure_server.adapters.database.support_requests import SqlSupportRequests
from tenure_server.adapters.database.tokens import SqlTokens
from tenure_server.adapters.database.trust_drafts import SqlKeyHolders, SqlTrustDrafts
from tenure_server.adapters.database.uploads import SqlUploads
from tenure_server.adapters.database.webhooks import SqlWebhooks


class SqlRecords:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.products = SqlProducts(session)
        self.licences = SqlLicences(session)
        self.customers = SqlCustomers(session)
        self.once_keys = SqlOnceKeys(session)
        self.orders = SqlOrders(session)
        self.numbers = SqlNumbers(session)
        self.quotes = SqlQuotes(session)
        self.release_prices = SqlReleasePrices(session)
        self.payment_notices = SqlPaymentNotices(session)
        self.signed_files = SqlSignedFiles(session)
        self.rollouts = SqlRollouts(session)
        self.notes = SqlNotes(session)
        self.tokens = SqlTokens(session)
        self.uploads = SqlUploads(session)
        self.install_reports = SqlInstallReports(session)
        self.trust_drafts = SqlTrustDrafts(session)
        self.key_holders = SqlKeyHolders(session)
        self.release_drafts = SqlReleaseDrafts(session)
        self.approval_rules = SqlApprovalRules(session)
        self.webhooks = SqlWebhooks(session)
        self.reminders = SqlReminders(session)
        self.outgoing_mails = SqlOutgoingMails(session)
        self.reports = SqlReports(session)
        self.publication_requests = SqlPublicationRequests(session)
        self.signer_lives = SqlSignerLives(session)
        self.expiry_notices = SqlExpiryNotices(session)
        self.seats = SqlSeats(session)
        self.support_requests = SqlSupportRequests(session)
        self.support_messages = SqlSupportMessages(session)
        self.problems = SqlProblems(session)
        self.problem_notices = SqlProblemNotices(session)
        self.audit = SqlAuditTrail(session)
        self.outbox = SqlOutbox(session, self.audit)

    def publication_counter(self) -> int:
        return publication_counter(self._session)

    def finish(self) -> None:
        """The last thing before a transaction is committed."""
        self.audit.write()
        self.outbox.write()
