"""What is new in a mail. The expectations were written by reading each mail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailparser_reply import EmailReplyParser

from mail.message import parse
from mail.reply import new_text
from tests.mail.corpus import MAILS, needs_mails

TELNET = "On your remote host you can run: telnet 127.0.0.1 52698 This should connect to TextMate"
NEW = {
    "correct_sig.txt": "this is an email with a correct -- signature.",
    "email_1_1.txt": ("Hi folks", "-Abhishek Kona"),
    "email_1_2.txt": ("Hi, You can list the keys", 'need to delete them all individually."'),
    "email_1_3.txt": "Oh thanks. Having the function would be great. -Abhishek Kona",
    "email_1_4.txt": "Awesome! I haven't had another problem with it.",
    "email_1_5.txt": ("One: Here's what I've got. - This would be", "on and on for a while."),
    "email_1_6.txt": "I get proper rendering as well. Sent from a magnificent torch of pixels",
    "email_1_7.txt": ":+1:",
    "email_1_8.txt": "I will reply under this one and under this.",
    "email_2_1.txt": "Outlook with a reply",
    "email_2_2.txt": "Outlook with a reply directly above line",
    "email_2_3.txt": "Outlook with a reply above headers using unusual format",
    "email_BlackBerry.txt": "Here is another email",
    "email_bullets.txt": ("test 2 this should list second", "- how about bullets - and another"),
    "email_gmail.txt": "This is a test for inbox replying to a github message.",
    "email_headers_no_delimiter.txt": "And another reply!",
    "email_iPhone.txt": "Here is another email",
    "email_multi_word_sent_from_my_mobile_device.txt": "Here is another email",
    "email_one_is_not_on.txt": (
        "Thank, this is really helpful.",
        "(on development), when I run...",
    ),
    "email_partial_quote_header.txt": (TELNET, "the tunnel is not working."),
    "email_sent_from_my_not_signature.txt": (
        "Here is another email",
        "Sent from my desk, is much easier then my mobile phone.",
    ),
    "email_sig_delimiter_in_middle_of_line.txt": ("Hi there!", "kthxbai"),
    "greedy_on.txt": (TELNET, "the tunnel is not working."),
    "pathological.txt": ("I think you're onto something.", "get back to a computer."),
}


@needs_mails
def test_24_of_24_plain_replies_are_cut_as_a_reader_would():
    wrong = {}
    for name, expected in NEW.items():
        found = " ".join(new_text((MAILS / "reply-parser" / name).read_text("utf-8")).split())
        first, last = (expected, expected) if isinstance(expected, str) else expected
        whole = isinstance(expected, tuple) or found == expected
        if not (whole and found.startswith(first) and found.endswith(last)):
            wrong[name] = found

    assert {} == wrong
    assert 24 == len(NEW)


@needs_mails
def test_12_of_12_mail_programs_replies_are_cut_as_a_reader_would():
    files = sorted((MAILS / "talon" / "standard_replies").glob("*.eml"))
    cut = {file.name: parse(file.read_bytes()).new_text for file in files}

    assert dict.fromkeys(cut, "Hello") == cut
    assert 12 == len(cut)


HISTORY = "Sehr geehrte Frau Beispiel,\n\nim Anhang unser Angebot.\n\nOtto"


@pytest.mark.parametrize(
    "heading",
    [
        "Von: Otto Muster <otto@example.org>\nGesendet: Montag, 2. März\nAn: Erika\nBetreff: x",
        "____________________\nVon: Otto Muster\nGesendet: Montag\nAn: Erika\nBetreff: x",
        "-----Ursprüngliche Nachricht-----\nVon: Otto\nGesendet: Montag\nAn: Erika\nBetreff: x",
        "-----Original Message-----\nFrom: Otto\nSent: Monday\nTo: Erika\nSubject: x",
        "*From:* Otto <otto@example.org>\n*Sent:* Monday\n*To:* Erika\n*Subject:* x",
        "De : Otto <otto@example.org>\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Erika\nObjet : Offre",
        "De: Otto\nEnviado el: lunes, 2 de marzo de 2026\nPara: Erika\nAsunto: Oferta",
        "Da: Otto\nInviato: lunedì 2 marzo 2026\nA: Erika\nOggetto: Offerta",
        "Van: Otto\nVerzonden: maandag 2 maart 2026\nAan: Erika\nOnderwerp: Offerte",
        "De: Otto\nEnviada em: segunda-feira\nEnviado: x\nPara: Erika\nAssunto: Oferta",
        "Od: Otto\nWysłano: poniedziałek, 2 marca 2026\nDo: Erika\nTemat: Oferta",
        "Från: Otto\nSkickat: den 2 mars 2026 10:00\nTill: Erika\nÄmne: Offert",
        "Fra: Otto\nSendt: 2. marts 2026 10:00\nTil: Erika\nEmne: Tilbud",
        "On Mon, Mar 2, 2026 at 10:00 AM Otto Muster <otto@example.org> wrote:\n",
        "On Mon, Mar 2, 2026 at 10:00 AM Otto Muster <\notto@example.org> wrote:\n",
        "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Otto Muster <otto@example.org>:\n",
        "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Otto Muster\n<otto@example.org>:\n",
        "Am 02.03.2026 um 10:00 schrieb Otto Muster:\n",
        "Le lun. 2 mars 2026 à 10:00, Otto Muster <otto@example.org> a écrit :\n",
        "El lun, 2 mar 2026 a las 10:00, Otto Muster (<otto@example.org>) escribió:\n",
        "Il giorno lun 2 mar 2026 alle ore 10:00 Otto Muster <otto@example.org> ha scritto:\n",
        "Op ma 2 mrt 2026 om 10:00 schreef Otto Muster <otto@example.org>:\n",
        "Em seg., 2 de mar. de 2026 às 10:00, Otto <otto@example.org> escreveu:\n",
        "W dniu 2.03.2026 o 10:00, Otto Muster pisze:\n",
        "pon., 2 mar 2026 o 10:00 Otto Muster <otto@example.org> napisał(a):\n",
        "Den mån 2 mars 2026 kl 10:00 skrev Otto Muster <otto@example.org>:\n",
        "Den man. 2. mar. 2026 kl. 10.00 skrev Otto Muster <otto@example.org>:\n",
        "ma 2. maalisk. 2026 klo 10.00 Otto Muster (otto@example.org) kirjoitti:\n",
        "po 2. 3. 2026 v 10:00 odesílatel Otto Muster <otto@example.org> napsal:\n",
        "---------- Forwarded message ---------\nFrom: Otto\nDate: Mon\nSubject: x\nTo: Erika",
        "Anfang der weitergeleiteten Nachricht:\n\nVon: Otto\nBetreff: x\nDatum: y",
    ],
    ids=lambda heading: " ".join(heading.split())[:40],
)
def test_what_stands_below_a_heading_is_not_new(heading):
    answer = "Vielen Dank, das passt.\n\nWann können Sie liefern?"

    assert answer == new_text(f"{answer}\n\n{heading}\n\n{HISTORY}\n")


@pytest.mark.parametrize(
    "heading",
    ["Am 02.03.2026 um 10:00 schrieb Otto:", "On 2 Mar 2026, at 10:00, Otto wrote:", "Otto wrote:"],
)
def test_answers_below_and_between_quoted_lines_stay(heading):
    text = f"{heading}\n> Passt der Preis?\n\nJa.\n\n> Und der Termin?\n\nNein, erst im Mai."

    assert "Ja.\n\nNein, erst im Mai." == new_text(text)


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nErika Beispiel\nBeispiel GmbH", "--\nErika", "Sent from my iPhone",
        "Von meinem iPhone gesendet", "Gesendet von Outlook für Android", "Envoyé de mon iPhone",
        "Best regards\nErika Beispiel\nBuyer", "Kind regards,\n\nErika", "Sincerely,\nErika",
        "Mit freundlichen Grüßen\n\nErika Beispiel\nTel. 030 1234", "Viele Grüße\nErika",
        "Viele Grüße aus Berlin\nErika", "Beste Grüße,\nErika", "MfG\nErika", "LG, ",
        "Cordialement,\nErika", "Bien cordialement\nErika", "Saludos cordiales,\nErika",
        "Cordiali saluti\nErika", "Met vriendelijke groet,\nErika", "Atenciosamente,\nErika",
        "Pozdrawiam\nErika", "Med vänliga hälsningar\nErika", "Med venlig hilsen\nErika",
        "Ystävällisin terveisin\nErika",
    ],
    ids=lambda signature: " ".join(signature.split())[:25],
)  # fmt: skip
def test_a_signature_is_not_new(signature):
    assert "Das passt uns gut." == new_text(f"Das passt uns gut.\n\n{signature}\n")


@pytest.mark.parametrize(
    "text",
    [
        "On Monday we wrote:\nnothing",
        "From my side: all good.\nTo be clear: yes.",
        "Von mir aus: gern.\nAn sich gut.",
        "Best regards from Berlin, where it rains, and here is the long list you asked for.",
        "- one\n- two",
        "1 > 0",
        "Viele Grüße\n\nKönnen Sie morgen?",
    ],
)
def test_own_words_that_look_like_an_end_stay(text):
    assert text == new_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "> only\n> a quotation",
        "-- \nErika Beispiel",
        "Sent from my iPhone",
        "---------- Forwarded message ---------\nFrom: Otto\nDate: Mon\nSubject: x\n\nRead this",
        "Von: Otto\nGesendet: Montag\nAn: Erika\nBetreff: x\n\nnur weitergeleitet",
        "On 2 Mar 2026, Otto wrote:\n> old",
    ],
)
def test_a_mail_is_never_cut_to_nothing(text):
    assert new_text(text)


@given(st.text(max_size=300) | st.text("> \n-_:aOnwrotFmSsubjc.", max_size=300))
def test_what_is_new_is_nothing_only_of_nothing(text):
    assert bool(text.strip()) == bool(new_text(text).strip())


@pytest.mark.parametrize(
    "text",
    [
        ">" * 1_000_000,
        ">\n" * 500_000,
        "On " * 333_000,
        "On a\n" * 200_000,
        "\n" * 1_000_000,
        " " * 1_000_000,
        "From: x\n" * 125_000,
        "On x wrote:\n" * 83_000,
        ("On 1 " + "a wrote " * 40 + ":\n") * 3_000,
        ("Am " + "schrieb " * 40 + ":\n") * 3_000,
        "x\nBest regards\n" * 66_000,
        "--\n" * 333_000,
        ("Sent from my " + "a " * 60 + "!\n") * 7_000,
    ],
    ids=lambda text: repr(text[:14]),
)
def test_a_megabyte_of_anything_takes_seconds_at_most(text):
    began = time.thread_time()

    new_text(text)

    assert time.thread_time() - began < 4


def test_the_library_alone_takes_many_times_as_long_over_one_line():
    """Control arm: which is why it only ever sees one short heading at a time."""
    text = "Am a schrieb " * 55

    def seconds(step: object) -> float:
        assert callable(step)
        began = time.thread_time()
        step(text)
        return time.thread_time() - began

    bare = EmailReplyParser(languages=["de"])

    assert seconds(bare.parse_reply) > 20 * seconds(new_text)


def test_the_real_pathological_mail_is_quick():
    path = MAILS / "reply-parser" / "pathological.txt"
    text = path.read_text("utf-8") if Path(path).exists() else "x"
    began = time.thread_time()

    new_text(text * 300)

    assert time.thread_time() - began < 2
