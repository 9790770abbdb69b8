# ruff: noqa: E501 (sentences, some in wide characters)
"""The words of mail about support requests, by language. ``{…}`` are filled in where they are used; every language fills
in the same ones, which a test checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWords:
    greeting: str
    received: str
    in_support: str
    no_terms: str
    to_sales: str
    answer_above: str
    online: str
    regards: str


WORDS: Mapping[str, RequestWords] = {
    "en": RequestWords(
        greeting="Dear {name},",
        received="we have your request and know it by the number {number}.",
        in_support="You will hear from us by {due}.",
        no_terms="No Support and Maintenance Package covers it today, so we cannot promise a day; we will write to you about what is possible.",
        to_sales="Consulting is not part of the Support and Maintenance Package. Our sales team has your request and will write to you.",
        answer_above="Reply to this mail and leave {number} in the subject: your answer then finds its place.",
        online="The whole conversation",
        regards="Kind regards",
    ),
    "de": RequestWords(
        greeting="Guten Tag {name},",
        received="Ihre Anfrage ist bei uns unter der Nummer {number} eingegangen.",
        in_support="Sie hören bis {due} von uns.",
        no_terms="Heute deckt kein Support- und Wartungspaket sie ab. Deshalb können wir keinen Tag zusagen; wir schreiben Ihnen, was möglich ist.",
        to_sales="Beratung gehört nicht zum Support- und Wartungspaket. Ihre Anfrage liegt bei unserem Vertrieb, der sich bei Ihnen meldet.",
        answer_above="Antworten Sie auf diese Mail und lassen Sie {number} im Betreff stehen, dann findet Ihre Antwort ihren Platz.",
        online="Der ganze Schriftwechsel",
        regards="Mit freundlichen Grüßen",
    ),
    "fr": RequestWords(
        greeting="Bonjour {name},",
        received="nous avons bien reçu votre demande, sous le numéro {number}.",
        in_support="Vous aurez de nos nouvelles d’ici le {due}.",
        no_terms="Aucun contrat de support et de maintenance ne la couvre aujourd’hui : nous ne pouvons promettre de date, mais nous vous écrirons ce qui est possible.",
        to_sales="Le conseil ne fait pas partie du contrat de support et de maintenance. Notre service commercial a votre demande et vous écrira.",
        answer_above="Répondez à ce message en laissant {number} dans l’objet : votre réponse trouvera ainsi sa place.",
        online="Toute la conversation",
        regards="Cordialement",
    ),
    "zh": RequestWords(
        greeting="{name}，您好！",
        received="我们已收到您的请求，编号为 {number}。",
        in_support="我们将在 {due} 之前回复您。",
        no_terms="目前没有支持与维护服务涵盖此请求，因此我们无法承诺具体日期；我们会写信告诉您可行的办法。",
        to_sales="咨询不包含在支持与维护服务中。您的请求已转交销售部门，他们会与您联系。",
        answer_above="请直接回复此邮件，并在主题中保留 {number}，这样您的回复就能归入此请求。",
        online="完整的往来记录",
        regards="此致敬礼",
    ),
}
