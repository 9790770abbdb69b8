# ruff: noqa: E501 (sentences, some in wide characters)
"""The words of reminders, by language. A further language is one more ``Words``: nothing else has to change.

``{…}`` are filled in where they are used; every language fills in the same ones, which a test checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    subject: str
    subject_last_call: str
    subject_over: str
    greeting: str
    ends: str
    ends_today: str
    last_call: str
    over: str
    received_title: str
    missed_title: str
    would_miss: str
    released: str
    more: str
    renewal_title: str
    order_from: str
    order_until: str
    one_year: str
    two_years: str
    term: str
    arithmetic: str
    contact: str
    renew: str
    portal: str
    licence: str
    regards: str
    unsubscribe: str
    opt_out_title: str
    opt_out_question: str
    opt_out_button: str
    opt_out_done: str


ENGLISH = Words(
    subject="{product}: support ends on {day}",
    subject_last_call="Last call: support for {product} ends on {day}",
    subject_over="{product}: support has ended",
    greeting="Dear {customer},",
    ends="your Support and Maintenance Package for {product} ends on {day}, {in_days}. Everything released up to and"
    " including that day is yours, for ever.",
    ends_today="today is the last day of your Support and Maintenance Package for {product}. Everything released up to and"
    " including today is yours, for ever.",
    last_call="This is the last call: after {day} the renewal can no longer be ordered.",
    over="your Support and Maintenance Package for {product} ended on {day}. Everything released up to and including that"
    " day stays yours, for ever. Newer releases are not covered.",
    received_title="What this support period has brought you so far",
    missed_title="What has been released and is not covered",
    would_miss="Without a renewal, whatever is released after {day} will not be covered.",
    released="{version}, released on {day}",
    more="and {count} more",
    renewal_title="Renewal",
    order_from="It can be ordered from {opens} up to and including {day}.",
    order_until="It can be ordered up to and including {day}. The new term begins the day after, whenever you order.",
    one_year="One year",
    two_years="Two years",
    term="{years}, from {starts} to {ends}: {price} ({arithmetic})",
    arithmetic="{count} × {percent} of the purchase price of {total}",
    contact="It can no longer be ordered by itself. Reply to this mail or call us, and we will see what is possible.",
    renew="Renew support",
    portal="Your licence, what it covers, and downloads",
    licence="Licence {licence}, edition {edition}, users: {seats}",
    regards="Kind regards",
    unsubscribe="No more reminders for this licence",
    opt_out_title="Reminders",
    opt_out_question="Shall we stop reminding you when support for this licence ends?",
    opt_out_button="Stop reminders",
    opt_out_done="You will get no more reminders for this licence. Your licence and support are as they were.",
)
GERMAN = Words(
    subject="{product}: Support endet am {day}",
    subject_last_call="Letzte Erinnerung: Support für {product} endet am {day}",
    subject_over="{product}: Support ist abgelaufen",
    greeting="Guten Tag {customer},",
    ends="Ihr Support- und Wartungspaket für {product} endet am {day}, also {in_days}. Alles, was bis einschließlich dieses"
    " Tages erscheint, gehört Ihnen auf Dauer.",
    ends_today="heute ist der letzte Tag Ihres Support- und Wartungspakets für {product}. Alles, was bis einschließlich"
    " heute erscheint, gehört Ihnen auf Dauer.",
    last_call="Dies ist die letzte Erinnerung: Nach dem {day} kann die Verlängerung nicht mehr bestellt werden.",
    over="Ihr Support- und Wartungspaket für {product} ist am {day} abgelaufen. Alles, was bis einschließlich dieses Tages"
    " erschienen ist, gehört Ihnen weiterhin auf Dauer. Neuere Versionen sind nicht enthalten.",
    received_title="Was Ihnen dieser Zeitraum bisher gebracht hat",
    missed_title="Was erschienen und nicht enthalten ist",
    would_miss="Ohne Verlängerung ist nicht enthalten, was nach dem {day} erscheint.",
    released="{version}, erschienen am {day}",
    more="und {count} weitere",
    renewal_title="Verlängerung",
    order_from="Sie kann vom {opens} bis einschließlich {day} bestellt werden.",
    order_until="Sie kann bis einschließlich {day} bestellt werden. Der neue Zeitraum beginnt am Tag danach, gleich wann Sie"
    " bestellen.",
    one_year="Ein Jahr",
    two_years="Zwei Jahre",
    term="{years}, vom {starts} bis {ends}: {price} ({arithmetic})",
    arithmetic="{count} × {percent} vom Kaufpreis von {total}",
    contact="Sie kann nicht mehr einfach bestellt werden. Antworten Sie auf diese Mail oder rufen Sie uns an: Wir sehen, was"
    " möglich ist.",
    renew="Support verlängern",
    portal="Ihre Lizenz, was sie umfasst, und Downloads",
    licence="Lizenz {licence}, Edition {edition}, Benutzer: {seats}",
    regards="Mit freundlichen Grüßen",
    unsubscribe="Keine Erinnerungen mehr für diese Lizenz",
    opt_out_title="Erinnerungen",
    opt_out_question="Sollen wir Sie nicht mehr erinnern, wenn der Support für diese Lizenz endet?",
    opt_out_button="Nicht mehr erinnern",
    opt_out_done="Sie erhalten keine Erinnerungen mehr für diese Lizenz. Lizenz und Support bleiben, wie sie waren.",
)
FRENCH = Words(
    subject="{product} : votre support prend fin le {day}",
    subject_last_call="Dernier rappel : le support de {product} prend fin le {day}",
    subject_over="{product} : votre support a pris fin",
    greeting="Bonjour {customer},",
    ends="votre contrat de support et de maintenance pour {product} prend fin le {day}, {in_days}. Tout ce qui paraît"
    " jusqu’à ce jour inclus vous est acquis définitivement.",
    ends_today="c’est aujourd’hui le dernier jour de votre contrat de support et de maintenance pour {product}. Tout ce qui"
    " paraît jusqu’à aujourd’hui inclus vous est acquis définitivement.",
    last_call="Ceci est le dernier rappel : après le {day}, le renouvellement ne pourra plus être commandé.",
    over="votre contrat de support et de maintenance pour {product} a pris fin le {day}. Tout ce qui est paru jusqu’à ce jour"
    " inclus vous reste acquis définitivement. Les versions plus récentes ne sont pas comprises.",
    received_title="Ce que cette période vous a apporté jusqu’ici",
    missed_title="Ce qui est paru et n’est pas compris",
    would_miss="Sans renouvellement, ce qui paraîtra après le {day} ne sera pas compris.",
    released="{version}, parue le {day}",
    more="et {count} de plus",
    renewal_title="Renouvellement",
    order_from="Il peut être commandé du {opens} au {day} inclus.",
    order_until="Il peut être commandé jusqu’au {day} inclus. La nouvelle période commence le lendemain, quel que soit le jour"
    " de la commande.",
    one_year="Un an",
    two_years="Deux ans",
    term="{years}, du {starts} au {ends} : {price} ({arithmetic})",
    arithmetic="{count} × {percent} du prix d’achat de {total}",
    contact="Il ne peut plus être commandé directement. Répondez à ce message ou appelez-nous : nous verrons ce qui est"
    " possible.",
    renew="Renouveler le support",
    portal="Votre licence, ce qu’elle comprend et les téléchargements",
    licence="Licence {licence}, édition {edition}, utilisateurs : {seats}",
    regards="Cordialement",
    unsubscribe="Ne plus recevoir de rappels pour cette licence",
    opt_out_title="Rappels",
    opt_out_question="Ne plus vous rappeler la fin du support de cette licence ?",
    opt_out_button="Arrêter les rappels",
    opt_out_done="Vous ne recevrez plus de rappels pour cette licence. La licence et le support restent inchangés.",
)
CHINESE = Words(
    subject="{product}：支持服务将于{day}到期",
    subject_last_call="最后提醒：{product} 的支持服务将于{day}到期",
    subject_over="{product}：支持服务已到期",
    greeting="{customer}，您好：",
    ends="您的 {product} 支持与维护服务将于{day}到期（{in_days}）。截至当日（含）发布的所有版本永久归您使用。",
    ends_today="今天是您的 {product} 支持与维护服务的最后一天。截至今天（含）发布的所有版本永久归您使用。",
    last_call="这是最后一次提醒：{day}之后将无法再订购续期。",
    over="您的 {product} 支持与维护服务已于{day}到期。截至当日（含）发布的所有版本仍永久归您使用，更新的版本不包含在内。",
    received_title="本服务期内您已获得的版本",
    missed_title="已发布但不包含在内的版本",
    would_miss="如不续期，{day}之后发布的版本将不包含在内。",
    released="{version}，发布于{day}",
    more="以及另外 {count} 个版本",
    renewal_title="续期",
    order_from="可在{opens}至{day}（含）期间订购。",
    order_until="可在{day}（含）之前订购。无论何时订购，新服务期均自到期次日起算。",
    one_year="一年",
    two_years="两年",
    term="{years}，{starts}至{ends}：{price}（{arithmetic}）",
    arithmetic="{count} × 购买价 {total} 的 {percent}",
    contact="现已无法直接订购。请回复本邮件或致电我们，我们将协助处理。",
    renew="续订支持服务",
    portal="查看您的许可证、覆盖范围及下载",
    licence="许可证 {licence}，版本类型 {edition}，用户数：{seats}",
    regards="此致",
    unsubscribe="不再接收此许可证的提醒",
    opt_out_title="提醒",
    opt_out_question="此许可证的支持服务到期时，不再提醒您吗？",
    opt_out_button="停止提醒",
    opt_out_done="您将不再收到此许可证的提醒。您的许可证和支持服务不受影响。",
)

WORDS: Mapping[str, Words] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "zh": CHINESE}


def language_spoken(language: str) -> str:
    """The language that is nearest to the wanted one (``de-AT`` is ``de``); English where there is none."""
    wanted = language.replace("_", "-").partition("-")[0].lower()
    return wanted if wanted in WORDS else DEFAULT_LANGUAGE


def language_for(known: str, general: str) -> str:
    """The one in which a customer is spoken to. ``known``: the customer's, which is English where nobody said another;
    then ``general``, the vendor's, is meant."""
    return language_spoken(known if known != DEFAULT_LANGUAGE else general)
