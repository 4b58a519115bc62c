"""The words by which mail programs and people mark a quotation or an end, by language.

The base is mail-parser-reply's tables. Its expressions take exponential time on whole mails,
so they only ever see one heading at a time, at most a few hundred characters of it.
"""

# ruff: noqa: RUF001 (Cyrillic and Turkish letters are meant)
from __future__ import annotations

import re

from mailparser_reply.constants import MAIL_LANGUAGES

_ATTRIBUTIONS = [
    re.compile(words["wrote_header"], re.IGNORECASE)
    for words in MAIL_LANGUAGES.values()
    if words.get("wrote_header")
]

ATTRIBUTION_VERB = re.compile(
    r"wrote|writes|schrieb|schreibt|geschrieben|a écrit|écrit|escribi|ha scritto|scrive"
    r"|schreef|heeft .* geschreven|escreveu|napisał|pisze|skrev|kirjoitti|napsal|napísal"
    r"|написал|писал|пише|написа|írta|a scris|έγραψε|yazdı|rašė|rakstīja",
    re.IGNORECASE,
)
ATTRIBUTION_OPENS = re.compile(
    r"(?:On|Am|Le|El|Il|Op|Em|Dnia|W dniu|Den|Dne|Dňa|Pe|На|Στις|Wiadomość)\s"
    r"|\d{1,4}[-./ ]|\*?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So|lun|mar|mer|mié"
    r"|jeu|jue|ven|vie|sam|sáb|dim|dom|gio|sab|ma|wo|vr|za|zo|seg|ter|qua|qui|sex|pon|wt|śr"
    r"|czw|pt|sob|niedz|mån|tis|ons|tors|fre|lör|sön|man|tir|tor|lør|søn)[a-zéøöå]*[,.]? "
    r"|[^\s:]{1,60}(?: [^\s:]{1,60}){0,4} (?:<\S+@\S+> )?(?:wrote|schrieb|a écrit|skrev)",
    re.IGNORECASE,
)
ATTRIBUTION_BARE = re.compile(r".{0,200}\d{1,2}[:.]\d\d.{0,200}<[^\s<>@]+@[^\s<>@]+>:\*?")
"""Date, time, name and address before a colon, without a verb (Yandex, Mail.ru)."""
_FROM = (
    "From|Von|De|Da|Van|Od|Från|Fra|Lähettäjä|Remitente|Expéditeur|Mittente|Afzender|Nadawca"
    "|От|Από|Feladó|De la|Kimden|Nuo"
)
_OTHERS = (
    "Sent|Date|To|Cc|Bcc|Subject|Reply-To|Importance|Attachments?|Gesendet|Datum|An|Betreff"
    "|Kopie|Antwort an|Wichtigkeit|Anlagen?|Envoyé(?: le)?|À|A|Objet|Copie(?: à)?|Enviado(?: el"
    "|a| em)?|Para|Asunto|Assunto|Fecha|Data|Inviato|Oggetto|Aan|Verzonden|Onderwerp|Wysłano"
    "|Wysłane|Do|Temat|DW|Skickat|Till|Ämne|Sendt|Til|Emne|Dato|Kopi|Lähetetty|Vastaanottaja"
    "|Aihe|Päivämäärä|Odesláno|Komu|Předmět|Отправлено|Кому|Тема|Дата|Копия|Organization"
)
LABEL_FROM = re.compile(rf"[\s*_]*(?:{_FROM})[*_]?\s?:[*_]?\s?\S", re.IGNORECASE)
LABEL = re.compile(rf"[\s*_]*(?:{_OTHERS})[*_]?\s?:", re.IGNORECASE)
ORIGINAL = re.compile(
    r"-{2,}\s?(?:Original|Ursprüngliche|Weitergeleitete|Forwarded|Message d'origine|Mensaje"
    r"|Messaggio|Oorspronkelijk|Doorgestuurd|Mensagem|Wiadomość|Ursprungligt|Vidarebefordrat"
    r"|Oprindelig|Opprinnelig|Videresendt|Alkuperäinen|Původní|Исходное|Пересылаемое|Reply"
    r"|Message transféré|Message original)[^-]{0,60}-{2,}"
    r"|Begin forwarded message:|Anfang der weitergeleiteten (?:Nachricht|E-Mail):"
    r"|Début du message (?:réexpédié|transféré) :|Inizio messaggio inoltrato:"
    r"|Inicio del mensaje reenviado:|Begin doorgestuurd bericht:",
    re.IGNORECASE,
)
_SENT_FROM = "|".join(words for one in MAIL_LANGUAGES.values() if (words := one.get("sent_from")))
SENT_FROM = re.compile(
    rf"(?:{_SENT_FROM}|Von meinem \S+ gesendet|Diese Nachricht wurde von meinem"
    r"|Envoyé (?:de|depuis) mon|Enviado desde mi|Inviato da|Verstuurd vanaf|Verzonden met"
    r"|Wysłane z|Skickat från|Sent with|Sent via|Gesendet mit|Holen Sie sich)"
    r"[\w.<>:/()?=&% -]{0,120}",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"(?:(?:with )?(?:best|kind(?:est)?|warm(?:est)?|many thanks and kind) regards|regards"
    r"|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|all the best|best wishes|cheers"
    r"|(?:mit )?(?:freundlich(?:en|em|e)|herzlich(?:en|e|em)|beste[nm]?|viele[n]?|liebe[n]?"
    r"|sonnige[n]?|schöne[n]?) (?:grüße?n?|gruß|grüsse?n?|gruss|gruessen?)(?: aus [\w ]{2,30})?"
    r"|(?:hochachtungsvoll|mfg|m\.f\.g\.|vg|lg|bg|grüße|gruß|grüsse|gruss|beste grüße)"
    r"|(?:bien )?cordialement|bien à vous|(?:avec mes )?(?:sincères|meilleures) salutations"
    r"|(?:(?:un|muchos) )?(?:cordial(?:es)? )?saludos?(?: cordial(?:es)?)?|atentamente"
    r"|(?:cordiali|distinti|cari) saluti|un saluto|cordialmente"
    r"|met vriendelijke groet(?:en)?|vriendelijke groet(?:en)?|hartelijke groet(?:en)?"
    r"|mvg|groet(?:en|jes)?"
    r"|atenciosamente|(?:com os )?(?:melhores )?cumprimentos|abraços?|att"
    r"|(?:serdecznie )?pozdrawiam(?: serdecznie)?|z poważaniem|z pozdrowieniami"
    r"|(?:med )?(?:vänliga?|bästa) hälsning(?:ar)?|hälsningar|mvh|vänligen"
    r"|(?:med )?(?:venlige?|vennlig|de bedste|bedste) hils(?:en|ner)|hilsen|hälsar"
    r"|ystävällisin terveisin|terveisin|s pozdravem|s přátelským pozdravem|с уважением)"
    r"[\s,.!;]*",
    re.IGNORECASE,
)


def is_attribution(heading: str) -> bool:
    """Say whether one line of a few hundred characters introduces a quotation."""
    return any(pattern.match(heading) for pattern in _ATTRIBUTIONS)
