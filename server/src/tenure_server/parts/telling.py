"""What is told to others: events, webhooks, reminders, reports."""

from __future__ import annotations

from functools import cached_property

from tenure_server.adapters.metadata_reader import metadata_of_server as metadata_of_server
from tenure_server.adapters.problem_mail import ProblemMail
from tenure_server.adapters.reminder_mail import ReminderMail
from tenure_server.adapters.sealing import AesSealer
from tenure_server.adapters.webhook_sender import WebhookSender
from tenure_server.parts.selling import SellingParts
from tenure_server.use_cases.deliver_webhooks import DeliverWebhooks
from tenure_server.use_cases.make_report import MakeReport
from tenure_server.use_cases.manage_webhooks import ManageWebhooks
from tenure_server.use_cases.ports_webhooks import Sealer, SendWebhook
from tenure_server.use_cases.problems import AddReporter, ChangeProblem, ListProblems, ReportProblem, TakeStep
from tenure_server.use_cases.read_events import ReadEvents
from tenure_server.use_cases.remind import RemindCustomers
from tenure_server.use_cases.reminder_choice import ReminderChoice
from tenure_server.use_cases.reminder_facts import ReminderFactsOf
from tenure_server.use_cases.reminder_links import ReminderLinks
from tenure_server.use_cases.send_mail import SendMail
from tenure_server.use_cases.show_webhooks import ShowWebhooks
from tenure_server.use_cases.tell_reporters import NewsOf, TellReporters
from tenure_server.use_cases.warn_of_webhooks import WarnOfWebhooks


class TellingParts(SellingParts):
    """What goes out."""

    @cached_property
    def read_events(self) -> ReadEvents:
        return ReadEvents(self.database)

    @cached_property
    def make_report(self) -> MakeReport:
        return MakeReport(self.database, self.catalogue, self.clock, self.policy)

    @cached_property
    def sealer(self) -> Sealer:
        return AesSealer(self.keys.secret_for("sealed secrets"))

    @cached_property
    def send_webhook(self) -> SendWebhook:
        return WebhookSender()

    @cached_property
    def manage_webhooks(self) -> ManageWebhooks:
        return ManageWebhooks(self.database, self.signing_clock, self.sealer, self.send_webhook)

    @cached_property
    def show_webhooks(self) -> ShowWebhooks:
        return ShowWebhooks(self.database)

    @cached_property
    def deliver_webhooks(self) -> DeliverWebhooks:
        return DeliverWebhooks(self.database, self.signing_clock, self.sealer, self.send_webhook)

    @cached_property
    def send_mail(self) -> SendMail:
        return SendMail(self.database, self.signing_clock, self.mailer, self.settings.support_address)

    @cached_property
    def warn_of_webhooks(self) -> WarnOfWebhooks:
        settings = self.settings
        return WarnOfWebhooks(self.database, self.signing_clock, self.mailer, settings.operators, settings.public_url)

    @cached_property
    def reminder_links(self) -> ReminderLinks:
        return ReminderLinks(self.keys.secret_for("reminder links"))

    @cached_property
    def reminder_choice(self) -> ReminderChoice:
        return ReminderChoice(self.database, self.clock, self.reminder_links, self.settings.language)

    @cached_property
    def remind_customers(self) -> RemindCustomers:
        settings = self.settings
        facts_of = ReminderFactsOf(
            list_releases=self.list_releases,
            policy=self.policy,
            links=self.reminder_links,
            vendor=settings.vendor_name,
            public_url=settings.public_url,
            allows_opt_out=settings.reminder_opt_out == "allowed",
        )
        return RemindCustomers(
            database=self.database,
            clock=self.clock,
            policy=self.policy,
            rules=settings.reminder_rules,
            facts_of=facts_of,
            word=ReminderMail(),
            mailer=self.mailer,
            language=settings.language,
        )

    @cached_property
    def report_problem(self) -> ReportProblem:
        return ReportProblem(self.database, self.clock, self.policy)

    @cached_property
    def add_problem_reporter(self) -> AddReporter:
        return AddReporter(self.database, self.clock, self.policy)

    @cached_property
    def take_problem_step(self) -> TakeStep:
        return TakeStep(self.database, self.clock)

    @cached_property
    def change_problem(self) -> ChangeProblem:
        return ChangeProblem(self.database, self.clock)

    @cached_property
    def list_problems(self) -> ListProblems:
        return ListProblems(self.database)

    @cached_property
    def tell_reporters(self) -> TellReporters:
        settings = self.settings
        return TellReporters(
            database=self.database,
            catalogue=self.catalogue,
            clock=self.clock,
            policy=self.policy,
            news_of=NewsOf(self.policy, settings.vendor_name, settings.public_url),
            word=ProblemMail(),
            mailer=self.mailer,
            language=settings.language,
        )
