"""Mailboxes: connected by a real login, watched, changed, disconnected."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from privacy.contents import Grant, MailboxCard
from privacy.order import Instruction
from web.auth import Admin, Crm, Services
from web.idempotency import IdempotentRoute
from web.paging import Cursor, Limit, decode_id, encode
from web.problems import invalid
from web.shapes.common import ErasureOrdered, Page
from web.shapes.mailboxes import (
    MailboxIn,
    MailboxOut,
    MailboxPatch,
    ParkedOut,
    ProblemOut,
    ProgressOut,
    RetriedOut,
    RevocationIn,
    RevocationOut,
    RevokedOut,
    SyncOut,
)
from worker.boot import Service
from worker.given import given_address
from worker.joining import Joining
from worker.mailboxes import MailboxChange, Mailboxes, MailboxShown
from worker.problems import remedy
from worker.workspaces import Caller


class MailboxRoute(IdempotentRoute):
    """A route whose repeated answer shows the mailbox as it is then."""

    @staticmethod
    def show_again(service: Service, caller: Caller, shown: str) -> Any:
        """Return the mailbox as JSON."""
        found = Mailboxes(service, caller.workspace_id, caller.name).show(shown)
        return mailbox_out(found).model_dump(mode="json")


router = APIRouter(prefix="/v1", tags=["mailboxes"], route_class=MailboxRoute)


@router.post("/mailboxes", status_code=201, summary="Connect an IMAP mailbox")
def connect_mailbox(
    request: Request, response: Response, service: Services, caller: Crm, body: MailboxIn
) -> MailboxOut:
    """The login is tried before anything is kept.

    The same user and address again (200) renews the credentials of the mailbox that is there.
    """
    if (body.password is None) == (body.access_token is None):
        raise invalid("password", "or access_token is to be given, and only one of them")
    card = MailboxCard(
        user=body.user,
        address=given_address("address", body.address),
        host=body.host,
        port=body.port,
        security=body.security,
        username=body.username,
        folders=None if body.folders is None else tuple(body.folders),
    )
    grant = (
        Grant("access_token", body.access_token)
        if body.access_token is not None
        else Grant("password", body.password or "")
    )
    joined = Joining(service, caller.workspace_id, caller.name).connect(
        body.provider,
        card,
        grant,
        body.since,
        keeps_since="since" not in body.model_fields_set,
    )
    request.state.kept_as = str(joined.id)
    if not joined.is_new:
        response.status_code = 200
    response.headers["Location"] = f"/v1/mailboxes/{joined.id}"
    shown = Mailboxes(service, caller.workspace_id, caller.name).show(str(joined.id))
    return mailbox_out(shown)


@router.get("/mailboxes", summary="List mailboxes")
def list_mailboxes(
    service: Services, caller: Crm, limit: Limit = 50, cursor: Cursor = None
) -> Page[MailboxOut]:
    """In the order they were connected."""
    found, following = Mailboxes(service, caller.workspace_id, caller.name).page(
        decode_id(cursor), limit
    )
    return Page(
        items=[mailbox_out(one) for one in found],
        next=None if following is None else encode(following),
    )


@router.get("/mailboxes/{mailbox}", summary="Show a mailbox")
def show_mailbox(service: Services, caller: Crm, mailbox: str) -> MailboxOut:
    """Its state, how far it is, and what to do if it has a problem."""
    return mailbox_out(Mailboxes(service, caller.workspace_id, caller.name).show(mailbox))


@router.patch("/mailboxes/{mailbox}", summary="Pause or change a mailbox")
def change_mailbox(service: Services, caller: Crm, mailbox: str, body: MailboxPatch) -> MailboxOut:
    """While it is paused nothing is read from it and nothing of it is written."""
    change = MailboxChange(
        sets=frozenset(body.model_fields_set),
        paused=body.paused,
        folders=None if body.folders is None else tuple(body.folders),
        since=body.since,
        visibility=body.visibility,
    )
    shown = Mailboxes(service, caller.workspace_id, caller.name).change(mailbox, change)
    return mailbox_out(shown)


@router.post("/mailboxes/{mailbox}/sync", status_code=202, summary="Sync a mailbox now")
def sync_mailbox(service: Services, caller: Crm, mailbox: str) -> SyncOut:
    """It would be synced by itself too; this only rings."""
    rung = Mailboxes(service, caller.workspace_id, caller.name).sync(mailbox)
    return SyncOut(rung=rung)


@router.delete("/mailboxes/{mailbox}", status_code=202, summary="Disconnect a mailbox")
def disconnect_mailbox(service: Services, caller: Crm, mailbox: str) -> ErasureOrdered:
    """From this answer on none of its mail can be read; then all of it is erased."""
    instruction = Instruction(caller.name, "the mailbox was disconnected")
    order = Mailboxes(service, caller.workspace_id, caller.name).disconnect(mailbox, instruction)
    return ErasureOrdered(erasure=str(order))


@router.get("/mailboxes/{mailbox}/parked", summary="List mails that couldn't be taken in")
def list_parked(
    service: Services, caller: Crm, mailbox: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[ParkedOut]:
    """By the provider's ids, with the reason; the mailbox goes on without them."""
    found, following = Mailboxes(service, caller.workspace_id, caller.name).parked(
        mailbox, decode_id(cursor), limit
    )
    return Page(
        items=[
            ParkedOut(
                id=str(row.id),
                ref=row.ref,
                size=row.size,
                reason=row.reason,
                parked_at=row.parked_at,
            )
            for row in found
        ],
        next=None if following is None else encode(following),
    )


@router.post("/mailboxes/{mailbox}/parked/retry", status_code=202, summary="Try parked mails")
def retry_parked(service: Services, caller: Crm, mailbox: str) -> RetriedOut:
    """All of the mailbox's, once more from the beginning."""
    count = Mailboxes(service, caller.workspace_id, caller.name).retry_parked(mailbox)
    return RetriedOut(retried=count)


@router.post("/revocations", status_code=202, summary="Disconnect many mailboxes")
def revoke_mailboxes(service: Services, caller: Admin, body: RevocationIn) -> RevocationOut:
    """Those of a user, of a provider, or all of the workspace."""
    chosen = [name for name in ("user", "provider", "all") if getattr(body, name) is not None]
    if len(chosen) != 1:
        raise invalid("user", "or provider or all is to be given, and only one of them")
    pairs = Mailboxes(service, caller.workspace_id, caller.name).revoke(
        body.user, body.provider, Instruction(body.instructed_by, body.reference)
    )
    return RevocationOut(
        items=[RevokedOut(mailbox=str(id_), erasure=str(order)) for id_, order in pairs]
    )


def mailbox_out(one: MailboxShown) -> MailboxOut:
    """Return a mailbox as JSON shows it."""
    card, told = one.card, None if one.problem is None else remedy(one.problem)
    folders = None if card is None or card.folders is None else list(card.folders)
    return MailboxOut(
        id=str(one.id),
        user=None if card is None else card.user,
        provider=one.provider,
        address=None if card is None else card.address,
        state=one.state.value,
        progress=ProgressOut(
            folders_total=one.progress.folders_total,
            folders_done=one.progress.folders_done,
            examined=one.progress.examined,
            stored=one.progress.stored,
            remaining=one.progress.remaining,
            waiting=one.progress.waiting,
            parked=one.progress.parked,
        ),
        last_synced_at=one.last_synced_at,
        problem=None
        if told is None or one.problem is None
        else ProblemOut(code=one.problem, message=told.message, action=told.action),
        since=one.since,
        folders=folders,
        visibility=one.visibility,
    )
