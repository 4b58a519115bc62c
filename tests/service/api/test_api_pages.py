"""The pages: who is signed in sees them, nobody else, and a mail can do nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage

import httpx
import pytest
from sqlalchemy import text

from mail.message import parse
from models.mailbox import State
from models.queries import keys, states
from tests.builders import File, Letter
from tests.service.api.calls import Crm
from worker.sign_in import make_link

ANNA, BEN = "anna@lead.example", "ben@firm.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def browser(crm: Crm) -> Iterator[httpx.Client]:
    """A browser that isn't signed in."""
    with httpx.Client(
        base_url=crm.client.base_url,
        headers={"Accept": "text/html"},
        follow_redirects=True,
        trust_env=False,
        timeout=30,
    ) as client:
        yield client


def sign_in(crm: Crm, browser: httpx.Client) -> httpx.Response:
    """Open a fresh sign-in link."""
    link = make_link(crm.tenant.service, crm.tenant.id)
    assert link.startswith("http://crm.example/sign-in?token=")
    return browser.get(link.removeprefix("http://crm.example"))


def form_token(page: str) -> str:
    """Return what a page's form sends back."""
    found = re.search(r'name="form_token" value="(\w+)"', page)
    assert found
    return found[1]


def test_a_link_signs_in_once(crm: Crm, browser: httpx.Client):
    link = make_link(crm.tenant.service, crm.tenant.id).removeprefix("http://crm.example")

    first = browser.get(link)
    browser.cookies.clear()
    second = browser.get(link)

    assert (200, "/") == (first.status_code, first.url.path)
    assert "Mailboxes" in first.text
    assert 403 == second.status_code
    assert "Mailboxes</h1>" not in browser.get("/").text


def test_the_session_is_out_of_reach_for_scripts_and_other_sites(crm: Crm, browser: httpx.Client):
    link = make_link(crm.tenant.service, crm.tenant.id).removeprefix("http://crm.example")

    cookie = browser.get(link, follow_redirects=False).headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    secret = cookie.partition("=")[2].partition(";")[0]
    with crm.tenant.service.store.system() as connection:
        assert secret not in str(connection.execute(text("SELECT s::text FROM sign_in s")).all())


@pytest.mark.parametrize("kind", ["link", "session"])
def test_links_and_sessions_end(crm: Crm, browser: httpx.Client, kind: str):
    service, tenant = crm.tenant.service, crm.tenant
    if kind == "session":
        sign_in(crm, browser)
    link = make_link(service, tenant.id).removeprefix("http://crm.example")
    with service.store.workspace(tenant.id) as connection:
        connection.execute(text("UPDATE sign_in SET expires_at = now() - interval '1 second'"))

    page = browser.get(link if kind == "link" else "/")

    assert "Mailboxes</h1>" not in page.text
    with service.store.system() as connection:
        assert 1 <= keys.forget_sign_ins(connection)


@pytest.mark.parametrize(
    "path",
    [
        "/console/leads/crm-1",
        "/console/conversations/1",
        "/console/messages/" + "a" * 32 + "/letter",
        "/console/attachments/" + "a" * 32 + "-1",
        "/console/mailboxes/1/disconnect",
    ],
)
def test_who_is_not_signed_in_is_sent_to_the_start(browser: httpx.Client, path: str):
    answer = browser.get(path, follow_redirects=False)

    assert (303, "/") == (answer.status_code, answer.headers["location"])


def test_another_clients_session_sees_nothing(crm: Crm, other_crm: Crm, browser: httpx.Client):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    conversation = crm.tenant.conversation()
    message = crm.tenant.mail(mailbox, Letter(ANNA, [BEN], html="<p>x</p>"), conversation)
    sign_in(other_crm, browser)

    statuses = [
        browser.get(path).status_code
        for path in (
            "/console/leads/crm-1",
            f"/console/conversations/{conversation}",
            f"/console/messages/{message}/letter",
            f"/console/attachments/{message}-1",
            f"/console/mailboxes/{mailbox}/disconnect",
        )
    ]

    assert [404] * 5 == statuses
    assert BEN not in browser.get("/").text


def test_mailboxes_are_shown_with_what_to_do(crm: Crm, browser: httpx.Client):

    tenant, id_ = crm.tenant, crm.tenant.mailbox(BEN)
    with tenant.service.store.workspace(tenant.id) as connection:
        states.note_problem(
            connection, id_, State.REAUTHORIZE, "authentication-failed", timedelta(minutes=1)
        )

    page = sign_in(crm, browser).text

    assert BEN in page
    assert "Enter the password again" in page
    assert 'http-equiv="refresh"' not in page


def test_the_page_shows_itself_anew_while_a_past_is_read(crm: Crm, browser: httpx.Client):
    crm.tenant.mailbox(BEN, state=State.BACKFILLING)

    assert 'http-equiv="refresh"' in sign_in(crm, browser).text


def test_a_lead_leads_to_its_conversation_and_that_to_its_messages(crm: Crm, browser: httpx.Client):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    letter = Letter(
        ANNA, [BEN], subject="<b>Offer</b>", new_text="Good <i>day</i>", html="<p>x</p>"
    )
    crm.tenant.mail(mailbox, letter)

    start = sign_in(crm, browser).text
    lead = browser.get(re.findall(r'href="(/console/leads/[^"]+)"', start)[0]).text
    page = browser.get(re.findall(r'href="(/console/conversations/\d+)"', lead)[0]).text

    for shown in (lead, page):
        assert "&lt;b&gt;Offer&lt;/b&gt;" in shown
        assert "<b>Offer" not in shown
    assert "Good &lt;i&gt;day&lt;/i&gt;" in page
    assert re.search(r'<iframe sandbox src="/console/messages/\w+/letter"', page)
    assert "<script" not in start + lead + page


def test_a_mailbox_is_disconnected_from_its_own_page_only(crm: Crm, browser: httpx.Client):
    id_ = crm.tenant.mailbox(BEN)
    sign_in(crm, browser)
    path = f"/console/mailboxes/{id_}/disconnect"
    asked = browser.get(path).text

    forged = [browser.post(path, data=data) for data in ({}, {"form_token": "a" * 64})]
    assert "live" == crm.get(f"/v1/mailboxes/{id_}")["state"]
    done = browser.post(path, data={"form_token": form_token(asked)})

    assert [403, 403] == [answer.status_code for answer in forged]
    assert (200, "/") == (done.status_code, done.url.path)
    assert "disconnecting" == crm.get(f"/v1/mailboxes/{id_}")["state"]


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("imap", ""),
        (
            "gmail",
            "you gave is withdrawn as well, as you can see with Google at myaccount.google.com/",
        ),
        (
            "graph",
            "only you can withdraw: with Microsoft 365 at myapps.microsoft.com, with Outlook",
        ),
    ],
)
def test_who_disconnects_is_told_who_ends_the_consent(
    provider: str, told: str, crm: Crm, browser: httpx.Client
):
    id_ = crm.tenant.mailbox(BEN, provider=provider)
    sign_in(crm, browser)

    page = browser.get(f"/console/mailboxes/{id_}/disconnect").text
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())

    assert told in words
    assert (provider != "imap") is ("consent" in words)


def test_signing_out_ends_the_session(crm: Crm, browser: httpx.Client):
    page = sign_in(crm, browser).text
    cookies = dict(browser.cookies)

    browser.post("/sign-out", data={"form_token": form_token(page)})
    browser.cookies.update(cookies)

    assert "Mailboxes</h1>" not in browser.get("/").text


def letter_with_image() -> EmailMessage:
    """Return a mail whose HTML shows an image of its own and one from elsewhere."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ANNA, BEN, "Image"
    message.set_content("see the image")
    message.add_alternative(
        '<p>See <img src="cid:one@x"> <img src="http://spy.example/p.gif">'
        "<script>alert(1)</script></p>",
        subtype="html",
    )
    html = list(message.iter_parts())[1]
    assert isinstance(html, EmailMessage)
    html.add_related(PNG, "image", "png", cid="<one@x>", filename="one.png", disposition="inline")
    message.add_attachment(b"%PDF-1", "application", "pdf", filename='Ange"bot ä.pdf')
    return message


def test_a_mail_is_laid_out_with_its_own_images_and_can_reach_nothing(
    crm: Crm, browser: httpx.Client
):
    raw = letter_with_image().as_bytes()
    parsed = parse(raw)
    files = [
        File(f.part, f.filename, b"x" * f.size, f.content_type, f.inline, f.content_id)
        for f in parsed.attachments
    ]
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    letter = Letter(ANNA, [BEN], html=parsed.html, files=files, raw=raw)
    message = crm.tenant.mail(mailbox, letter)
    sign_in(crm, browser)

    answer = browser.get(f"/console/messages/{message}/letter")

    assert 200 == answer.status_code
    assert 'src="data:image/png;base64,' in answer.text
    assert "spy.example" not in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "SAMEORIGIN" == answer.headers["x-frame-options"]


def test_attachments_are_saved_under_their_names_and_never_shown_in_place(crm: Crm):
    raw = letter_with_image().as_bytes()
    parsed = parse(raw)
    files = [
        File(f.part, f.filename, b"x" * f.size, f.content_type, f.inline, f.content_id)
        for f in parsed.attachments
    ]
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    message = crm.tenant.mail(mailbox, Letter(ANNA, [BEN], files=files, raw=raw))

    listed = crm.get(f"/v1/messages/{message}")["attachments"]
    answers = {one["filename"]: crm.call("GET", f"/v1/attachments/{one['id']}") for one in listed}

    pdf = answers['Ange"bot ä.pdf']
    assert {"one.png", 'Ange"bot ä.pdf'} == answers.keys()
    assert (b"%PDF-1", PNG) == (pdf.content, answers["one.png"].content)
    assert "application/pdf" == pdf.headers["content-type"]
    assert pdf.headers["content-disposition"].startswith('attachment; filename="Ange bot _.pdf"')
    assert "filename*=UTF-8''Ange%20bot%20%C3%A4.pdf" in pdf.headers["content-disposition"]
    assert "nosniff" == pdf.headers["x-content-type-options"]
    assert pdf.headers["content-security-policy"].startswith("sandbox")


def test_the_description_is_readable_without_anything_from_elsewhere(browser: httpx.Client):
    page = browser.get("/docs")

    assert 200 == page.status_code
    assert "/v1/leads/{lead}" in page.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
    assert "<script" not in page.text
