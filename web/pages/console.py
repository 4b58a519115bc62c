"""The pages: mailboxes and how they are, leads, and their conversations."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from privacy.order import Instruction
from web.api.conversations import disposition, media_type
from web.api.leads import LeadId
from web.auth import Services
from web.pages.letter import LETTER_POLICY, letter_html
from web.pages.rendering import HERE, STATIC, html_page, render
from web.pages.visit import COOKIE, OwnedForm, Visit, forget, remember, to_start
from web.pages.withdrawing import WITHDRAWN_BY_US, withdrawals
from web.paging import (
    Cursor,
    conversation_cursor,
    conversation_position,
    decode_id,
    encode,
    message_cursor,
    message_position,
)
from worker.connect_links import make_reconnect_link
from worker.leads import Leads
from worker.mailboxes import Mailboxes
from worker.problems import remedy
from worker.reading import Reading
from worker.refused import NotThere
from worker.sign_in import find_session, redeem, sign_out

router = APIRouter(include_in_schema=False)
WHO = "a person at the console"
AT_ONCE = 50
MESSAGES_AT_ONCE = 100
RESTLESS = ("connecting", "backfilling", "disconnecting")
"""States in which the page is shown anew every few seconds."""


@router.get("/")
def show_start(
    request: Request, service: Services, cursor: Cursor = None, mailboxes: Cursor = None
) -> Response:
    """Show the mailboxes and the leads, or how to sign in."""
    visit = find_session(service, request.cookies.get(COOKIE, ""))
    if visit is None:
        return html_page(render("signed_out.html"))
    boxes, more_boxes = Mailboxes(service, visit.workspace_id, WHO).page(
        decode_id(mailboxes), AT_ONCE
    )
    leads = Leads(service, visit.workspace_id, WHO).page(decode_id(cursor), AT_ONCE)
    return html_page(
        render(
            "start.html",
            visit=visit,
            mailboxes=[
                {"box": box, "told": None if box.problem is None else remedy(box.problem)}
                for box in boxes
            ],
            leads=leads.items,
            next_mailboxes=None if more_boxes is None else encode(more_boxes),
            next_leads=None if leads.next is None else encode(leads.next),
            is_restless=any(box.state in RESTLESS for box in boxes),
        )
    )


@router.get("/sign-in")
def sign_in(service: Services, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Redeem a link, which is good once."""
    visit = redeem(service, token)
    if visit is None:
        return html_page(render("link_used.html"), 403)
    response = to_start()
    remember(response, service, visit)
    return response


@router.post("/sign-out")
def end_session(service: Services, visit: Visit, _: OwnedForm) -> Response:
    """End the session."""
    sign_out(service, visit)
    response = to_start()
    forget(response)
    return response


@router.get("/console/mailboxes/{mailbox}/disconnect")
def ask_to_disconnect(service: Services, visit: Visit, mailbox: str) -> Response:
    """Ask once more, and say what it means."""
    box = Mailboxes(service, visit.workspace_id, WHO).show(mailbox)
    pages = withdrawals([box.provider])
    html = render(
        "disconnect.html",
        visit=visit,
        box=box,
        withdrawals=pages,
        is_withdrawn=box.provider in WITHDRAWN_BY_US,
    )
    return html_page(html)


@router.post("/console/mailboxes/{mailbox}/disconnect")
def disconnect(service: Services, visit: Visit, mailbox: str, _: OwnedForm) -> Response:
    """Disconnect a mailbox: from now on none of its mail can be read."""
    instruction = Instruction(WHO, "disconnected at the console")
    Mailboxes(service, visit.workspace_id, WHO).disconnect(mailbox, instruction)
    return to_start()


@router.post("/console/mailboxes/{mailbox}/reconnect")
def reconnect(service: Services, visit: Visit, mailbox: str, _: OwnedForm) -> Response:
    """Go to the page where the mailbox's person agrees anew, and come back here."""
    row = Mailboxes(service, visit.workspace_id, WHO).find(mailbox)
    made = make_reconnect_link(service, visit.workspace_id, row.id, WHO)
    return RedirectResponse(urlsplit(made.url).path, 303)


@router.get("/console/leads/{lead}")
def show_lead(service: Services, visit: Visit, lead: LeadId, cursor: Cursor = None) -> Response:
    """Show a lead and its conversations, the newest activity first."""
    shown = Leads(service, visit.workspace_id, WHO).show(lead)
    page = Reading(service, visit.workspace_id).conversations(
        lead, conversation_position(cursor), AT_ONCE
    )
    following = conversation_cursor(page)
    return html_page(
        render("lead.html", visit=visit, lead=shown, conversations=page.items, following=following)
    )


@router.get("/console/conversations/{conversation}")
def show_conversation(
    service: Services, visit: Visit, conversation: str, cursor: Cursor = None
) -> Response:
    """Show a conversation's messages, oldest first."""
    reading = Reading(service, visit.workspace_id)
    page = reading.messages(conversation, message_position(cursor), MESSAGES_AT_ONCE)
    following = message_cursor(page)
    return html_page(
        render("conversation.html", visit=visit, messages=page.items, following=following)
    )


@router.get("/console/messages/{message}/letter")
def show_letter(service: Services, visit: Visit, message: str) -> Response:
    """Show a message as it was laid out, alone in a sandbox that can reach nothing."""
    html = letter_html(Reading(service, visit.workspace_id), message)
    headers = {"Content-Security-Policy": LETTER_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return Response(html, 200, headers, "text/html; charset=utf-8")


@router.get("/console/attachments/{attachment}")
def download(service: Services, visit: Visit, attachment: str) -> Response:
    """Save an attachment."""
    card, content = Reading(service, visit.workspace_id).attachment(attachment)
    headers = {
        "Content-Disposition": disposition(card.filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(content, 200, headers, media_type(card.content_type))


@router.get("/static/{name}")
def show_file(name: str) -> Response:
    """The style sheet and the icon; whatever else is asked for isn't there."""
    if name not in STATIC:
        raise NotThere
    headers = {"Cache-Control": "max-age=60"}
    return FileResponse(HERE / "static" / name, media_type=STATIC[name], headers=headers)
