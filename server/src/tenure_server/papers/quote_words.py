"""The words of a quote, by language. A further language is one more ``QuoteWords``: nothing else has to change.

``{…}`` are filled in where they are used; every language fills in the same ones, which a test checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tenure_server.domain.quotes import QuoteState


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteWords:
    title: str
    vat_id: str
    date: str
    valid_until: str
    inclusive: str
    licence: str
    free_support: str
    state: str
    accepted: str
    withdrawn: str
    expired: str
    fact: str  # a name and what it is, on one line
    base: str
    one_user: str
    users: str
    one_year: str
    two_years: str
    arithmetic: str
    arithmetic_two_years: str
    upgrade: str
    upgrade_line: str
    upgrade_arithmetic: str
    total: str

    def state_word(self, state: QuoteState) -> str | None:
        """None for an open quote: nothing has to be said of it."""
        said = {
            QuoteState.ACCEPTED: self.accepted,
            QuoteState.WITHDRAWN: self.withdrawn,
            QuoteState.EXPIRED: self.expired,
        }
        return said.get(state)


ENGLISH = QuoteWords(
    title="Quote {number}",
    vat_id="VAT id {vat_id}",
    date="Date",
    valid_until="Valid until",
    inclusive="{day}, inclusive",
    licence="For licence",
    free_support="Free support until",
    state="State",
    accepted="accepted",
    withdrawn="withdrawn",
    expired="expired",
    fact="{name}: {fact}",
    base="{product}, {edition} edition, perpetual",
    one_user="1 additional user",
    users="{count} additional users",
    one_year="Support and maintenance (SMP), one year",
    two_years="Support and maintenance (SMP), two years",
    arithmetic="{percent} of the total purchase price of {basis} = {price}",
    arithmetic_two_years="{percent} ({each} a year for 2 years) of the total purchase price of {basis} = {price}",
    upgrade="Upgrade to {product} {version}",
    upgrade_line="Upgrade to {product} {version}, every release of this line",
    upgrade_arithmetic="{basis} for each seat, seats: {seats} = {price}",
    total="Total",
)
GERMAN = QuoteWords(
    title="Angebot {number}",
    vat_id="USt-IdNr. {vat_id}",
    date="Datum",
    valid_until="Gültig bis",
    inclusive="einschließlich {day}",
    licence="Für Lizenz",
    free_support="Kostenloser Support bis",
    state="Stand",
    accepted="angenommen",
    withdrawn="zurückgezogen",
    expired="abgelaufen",
    fact="{name}: {fact}",
    base="{product}, Edition {edition}, unbefristet",
    one_user="1 zusätzlicher Benutzer",
    users="{count} zusätzliche Benutzer",
    one_year="Support und Wartung (SMP), ein Jahr",
    two_years="Support und Wartung (SMP), zwei Jahre",
    arithmetic="{percent} vom Gesamtkaufpreis von {basis} = {price}",
    arithmetic_two_years="{percent} ({each} pro Jahr für 2 Jahre) vom Gesamtkaufpreis von {basis} = {price}",
    upgrade="Upgrade auf {product} {version}",
    upgrade_line="Upgrade auf {product} {version}, alle Versionen dieser Linie",
    upgrade_arithmetic="{basis} je Platz, Plätze: {seats} = {price}",
    total="Gesamt",
)
FRENCH = QuoteWords(
    title="Devis {number}",
    vat_id="N° de TVA {vat_id}",
    date="Date",
    valid_until="Valable jusqu’au",
    inclusive="{day} inclus",
    licence="Pour la licence",
    free_support="Support gratuit jusqu’au",
    state="État",
    accepted="accepté",
    withdrawn="retiré",
    expired="expiré",
    fact="{name} : {fact}",
    base="{product}, édition {edition}, perpétuelle",
    one_user="1 utilisateur supplémentaire",
    users="{count} utilisateurs supplémentaires",
    one_year="Support et maintenance (SMP), un an",
    two_years="Support et maintenance (SMP), deux ans",
    arithmetic="{percent} du prix d’achat total de {basis} = {price}",
    arithmetic_two_years="{percent} ({each} par an pendant 2 ans) du prix d’achat total de {basis} = {price}",
    upgrade="Mise à niveau vers {product} {version}",
    upgrade_line="Mise à niveau vers {product} {version}, toutes les versions de cette ligne",
    upgrade_arithmetic="{basis} par poste, postes : {seats} = {price}",
    total="Total",
)
CHINESE = QuoteWords(
    title="报价单 {number}",
    vat_id="税号 {vat_id}",
    date="日期",
    valid_until="有效期至",
    inclusive="{day}（含）",
    licence="许可证",
    free_support="免费支持至",
    state="状态",
    accepted="已接受",
    withdrawn="已撤回",
    expired="已过期",
    fact="{name}：{fact}",
    base="{product}，版本类型 {edition}，永久许可",
    one_user="1 个附加用户",
    users="{count} 个附加用户",
    one_year="支持与维护服务（SMP），一年",
    two_years="支持与维护服务（SMP），两年",
    arithmetic="总购买价 {basis} 的 {percent} = {price}",
    arithmetic_two_years="总购买价 {basis} 的 {percent}（每年 {each}，共 2 年）= {price}",
    upgrade="升级到 {product} {version}",
    upgrade_line="升级到 {product} {version}，包括该系列的所有版本",
    upgrade_arithmetic="每席位 {basis}，席位数 {seats} = {price}",
    total="合计",
)

QUOTE_WORDS: Mapping[str, QuoteWords] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "zh": CHINESE}
"""The languages of reminders."""
