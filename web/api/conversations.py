"""Conversations and their messages: the leads' mail, opened."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from mail.address import Participant
from web.api.leads import LeadId
from web.auth import Crm, Services
from web.paging import (
    Cursor,
    Limit,
    conversation_cursor,
    conversation_position,
    message_cursor,
    message_position,
)
from web.shapes.common import Page
from web.shapes.mail import AttachmentOut, ConversationOut, MessageOut, Person
from worker.names import twin_of
from worker.reading import Reading
from worker.shown import ConversationShown, MessageShown

router = APIRouter(prefix="/v1", tags=["conversations"])
SANDBOX = "sandbox; default-src 'none'"
"""What a browser may do with a mail that it opens by its address: nothing."""


@router.get("/leads/{lead}/conversations", summary="List a lead's conversations")
def list_conversations(
    service: Services, caller: Crm, lead: LeadId, limit: Limit = 50, cursor: Cursor = None
) -> Page[ConversationOut]:
    """The newest activity first."""
    reading = Reading(service, caller.workspace_id)
    found = reading.conversations(lead, conversation_position(cursor), limit)
    return Page(
        items=[conversation_out(one) for one in found.items], next=conversation_cursor(found)
    )


@router.get("/conversations/{conversation}/messages", summary="List a conversation's messages")
def list_messages(
    service: Services, caller: Crm, conversation: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[MessageOut]:
    """Oldest first."""
    reading = Reading(service, caller.workspace_id)
    found = reading.messages(conversation, message_position(cursor), limit)
    return Page(items=[message_out(one) for one in found.items], next=message_cursor(found))


@router.get("/messages/{message}", summary="Show a message")
def show_message(service: Services, caller: Crm, message: str) -> MessageOut:
    """Its copies in several mailboxes are one message."""
    return message_out(Reading(service, caller.workspace_id).message(message))


@router.get(
    "/messages/{message}/raw",
    summary="Download a message as it came",
    response_class=Response,
    responses={200: {"content": {"message/rfc822": {}}}},
)
def download_message(service: Services, caller: Crm, message: str) -> Response:
    """The bytes are the mailbox's own."""
    pieces = Reading(service, caller.workspace_id).raw(message)
    headers = {
        "Content-Disposition": f'attachment; filename="{twin_of(message).hex()}.eml"',
        "Content-Security-Policy": SANDBOX,
    }
    return StreamingResponse(pieces, 200, headers, "message/rfc822")


@router.get(
    "/attachments/{attachment}",
    summary="Download an attachment",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def download_attachment(service: Services, caller: Crm, attachment: str) -> Response:
    """Always to be saved, never to be shown in place."""
    card, content = Reading(service, caller.workspace_id).attachment(attachment)
    headers = {
        "Content-Disposition": disposition(card.filename),
        "Content-Security-Policy": SANDBOX,
    }
    return Response(content, 200, headers, media_type(card.content_type))


def disposition(filename: str) -> str:
    """Return a Content-Disposition that saves under this name (RFC 6266)."""
    name = "".join(" " if ord(one) < 32 or one in '/\\"' else one for one in filename).strip()
    name = name.encode("utf-8", "replace").decode() or "attachment"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def media_type(stated: str) -> str:
    """Return the type that the mail states, if it is one, without its parameters."""
    kind = stated.partition(";")[0].strip().lower()
    main, slash, sub = kind.partition("/")
    is_good = slash and all(
        part and part.isascii() and all(c.isalnum() or c in "!#$&^_.+-" for c in part)
        for part in (main, sub)
    )
    return kind if is_good else "application/octet-stream"


def conversation_out(one: ConversationShown) -> ConversationOut:
    """Return a conversation as JSON shows it."""
    return ConversationOut(
        id=str(one.id),
        subject=one.subject,
        snippet=one.snippet,
        message_count=one.message_count,
        first_at=one.first_at,
        last_at=one.last_at,
        participants=people(one.participants),
    )


def message_out(one: MessageShown) -> MessageOut:
    """Return a message as JSON shows it."""
    head = one.head
    sender = head.sent_from
    return MessageOut(
        id=one.id,
        conversation=str(one.conversation),
        leads=list(one.leads),
        mailboxes=[str(id_) for id_ in one.mailboxes],
        direction="outbound" if one.outbound else "inbound",
        message_id=head.message_id,
        date=head.date,
        sent_from=None if sender is None else Person(name=sender.name, address=sender.address),
        to=people(head.to),
        cc=people(head.cc),
        bcc=people(head.bcc),
        subject=head.subject,
        text=one.body.text,
        new_text=one.body.new_text,
        html=one.body.html,
        attachments=[
            AttachmentOut(
                id=file.id,
                filename=file.card.filename,
                content_type=file.card.content_type,
                size=file.size,
                inline=file.inline,
                content_id=file.card.content_id,
            )
            for file in one.attachments
        ],
    )


def people(some: tuple[Participant, ...]) -> list[Person]:
    """Return people as JSON shows them."""
    return [Person(name=one.name, address=one.address) for one in some]
