# ruff: noqa: E501 (sentences, some in wide characters)
"""The words of the mail that tells reporters of a fix, by language. As ``reminder_words``: every language fills in the
same ``{…}``, which a test checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemWords:
    subject: str
    greeting: str
    fixed: str
    problem: str
    covered: str
    not_covered: str
    unknown: str
    # why it is covered
    purchased: str
    support_period: str
    granted: str
    open_release: str
    step: str
    service_pack: str
    # why it is not, or cannot be downloaded
    licence_suspended: str
    licence_revoked: str
    wrong_product: str
    wrong_edition: str
    upgrade_payment_due: str
    never_supported: str
    after_support: str
    between_periods: str
    channel_not_allowed: str
    # what can be done
    terms: str
    terms_today: str
    contact: str
    download: str
    renew: str
    portal: str
    licence: str
    regards: str


ENGLISH = ProblemWords(
    subject="{product}: {number} is fixed in version {version}",
    greeting="Dear {name},",
    fixed="a problem that you reported is fixed in {product} {version}, released on {day}.",
    problem="{number}: {title}",
    covered="Your licence covers this release: {why}.",
    not_covered="Your licence does not cover this release: {why}.",
    unknown="We do not know which licence you use. Tell us, and we will say whether it covers this release.",
    purchased="it is part of what you bought",
    support_period="it was released while you had support",
    granted="it was bought for this licence or given to it",
    open_release="it is open to everybody with your edition",
    step="it is a step to a later release that is covered",
    service_pack="it is a service pack for a version that is covered",
    licence_suspended="the licence is suspended",
    licence_revoked="the licence is revoked",
    wrong_product="it is a release of another product",
    wrong_edition="it was not made for your edition",
    upgrade_payment_due="it is a paid upgrade, {price} for each user",
    never_supported="it came out on {day}, after your purchase, and no support was bought",
    after_support="it came out on {day}, and your support ended on {last}",
    between_periods="it came out on {day}, a day without support",
    channel_not_allowed="it is on a release channel that this licence does not use",
    terms="Support would include it:",
    terms_today="Support would include it if it is ordered today:",
    contact="Reply to this mail or call us, and we will see what is possible.",
    download="Download it",
    renew="Order support",
    portal="Your licence and what it covers",
    licence="Licence {licence}, edition {edition}, users: {seats}",
    regards="Kind regards",
)
GERMAN = ProblemWords(
    subject="{product}: {number} ist in Version {version} behoben",
    greeting="Guten Tag {name},",
    fixed="ein von Ihnen gemeldetes Problem ist in {product} {version} behoben, erschienen am {day}.",
    problem="{number}: {title}",
    covered="Ihre Lizenz umfasst diese Version: {why}.",
    not_covered="Ihre Lizenz umfasst diese Version nicht: {why}.",
    unknown="Wir wissen nicht, welche Lizenz Sie verwenden. Nennen Sie sie uns, dann sagen wir Ihnen, ob sie diese Version umfasst.",
    purchased="sie gehört zu dem, was Sie gekauft haben",
    support_period="sie ist erschienen, während Sie Support hatten",
    granted="sie wurde für diese Lizenz gekauft oder ihr gegeben",
    open_release="sie steht allen mit Ihrer Edition offen",
    step="sie ist ein Schritt zu einer späteren Version, die umfasst ist",
    service_pack="sie ist ein Service Pack für eine Version, die umfasst ist",
    licence_suspended="die Lizenz ist ausgesetzt",
    licence_revoked="die Lizenz ist widerrufen",
    wrong_product="sie gehört zu einem anderen Produkt",
    wrong_edition="sie wurde nicht für Ihre Edition gemacht",
    upgrade_payment_due="sie ist ein kostenpflichtiges Upgrade, {price} je Benutzer",
    never_supported="sie ist am {day} erschienen, nach Ihrem Kauf, und Support wurde nicht gekauft",
    after_support="sie ist am {day} erschienen, und Ihr Support endete am {last}",
    between_periods="sie ist am {day} erschienen, an einem Tag ohne Support",
    channel_not_allowed="sie liegt auf einem Kanal, den diese Lizenz nicht nutzt",
    terms="Mit Support wäre sie enthalten:",
    terms_today="Mit Support wäre sie enthalten, wenn er heute bestellt wird:",
    contact="Antworten Sie auf diese Mail oder rufen Sie uns an: Wir sehen, was möglich ist.",
    download="Herunterladen",
    renew="Support bestellen",
    portal="Ihre Lizenz und was sie umfasst",
    licence="Lizenz {licence}, Edition {edition}, Benutzer: {seats}",
    regards="Mit freundlichen Grüßen",
)
FRENCH = ProblemWords(
    subject="{product} : {number} est corrigé dans la version {version}",
    greeting="Bonjour {name},",
    fixed="un problème que vous avez signalé est corrigé dans {product} {version}, parue le {day}.",
    problem="{number} : {title}",
    covered="Votre licence comprend cette version : {why}.",
    not_covered="Votre licence ne comprend pas cette version : {why}.",
    unknown="Nous ne savons pas quelle licence vous utilisez. Indiquez-la-nous et nous vous dirons si elle comprend cette version.",
    purchased="elle fait partie de votre achat",
    support_period="elle est parue pendant votre période de support",
    granted="elle a été achetée pour cette licence ou lui a été accordée",
    open_release="elle est ouverte à tous ceux qui ont votre édition",
    step="elle est une étape vers une version ultérieure qui est comprise",
    service_pack="elle est un service pack d’une version qui est comprise",
    licence_suspended="la licence est suspendue",
    licence_revoked="la licence est révoquée",
    wrong_product="elle appartient à un autre produit",
    wrong_edition="elle n’a pas été faite pour votre édition",
    upgrade_payment_due="c’est une mise à niveau payante, {price} par utilisateur",
    never_supported="elle est parue le {day}, après votre achat, et aucun support n’a été acheté",
    after_support="elle est parue le {day}, et votre support a pris fin le {last}",
    between_periods="elle est parue le {day}, un jour sans support",
    channel_not_allowed="elle est sur un canal que cette licence n’utilise pas",
    terms="Le support la comprendrait :",
    terms_today="Le support la comprendrait s’il est commandé aujourd’hui :",
    contact="Répondez à ce message ou appelez-nous : nous verrons ce qui est possible.",
    download="Télécharger",
    renew="Commander le support",
    portal="Votre licence et ce qu’elle comprend",
    licence="Licence {licence}, édition {edition}, utilisateurs : {seats}",
    regards="Cordialement",
)
CHINESE = ProblemWords(
    subject="{product}：{number} 已在版本 {version} 中修复",
    greeting="{name}，您好：",
    fixed="您报告的问题已在{day}发布的 {product} {version} 中修复。",
    problem="{number}：{title}",
    covered="您的许可证包含此版本：{why}。",
    not_covered="您的许可证不包含此版本：{why}。",
    unknown="我们不知道您使用的是哪个许可证。请告知我们，我们会说明它是否包含此版本。",
    purchased="它属于您购买的内容",
    support_period="它发布于您的支持服务期内",
    granted="它是为此许可证购买的，或已授予此许可证",
    open_release="它对所有使用您的版本类型的用户开放",
    step="它是升级到已包含的更新版本的必经步骤",
    service_pack="它是已包含版本的服务包",
    licence_suspended="许可证已暂停",
    licence_revoked="许可证已吊销",
    wrong_product="它属于另一个产品",
    wrong_edition="它不适用于您的版本类型",
    upgrade_payment_due="这是付费升级，每位用户 {price}",
    never_supported="它发布于{day}，在您购买之后，且未购买支持服务",
    after_support="它发布于{day}，而您的支持服务已于{last}到期",
    between_periods="它发布于{day}，当日没有支持服务",
    channel_not_allowed="它位于此许可证不使用的发布渠道",
    terms="以下支持服务将包含它：",
    terms_today="如在今天订购，以下支持服务将包含它：",
    contact="请回复本邮件或致电我们，我们将协助处理。",
    download="下载",
    renew="订购支持服务",
    portal="查看您的许可证及覆盖范围",
    licence="许可证 {licence}，版本类型 {edition}，用户数：{seats}",
    regards="此致",
)

WORDS: Mapping[str, ProblemWords] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "zh": CHINESE}
