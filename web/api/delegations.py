"""Delegations: mailboxes of named users, by an organisation's administrator."""

from __future__ import annotations

from fastapi import APIRouter

from privacy.order import Instruction
from web.auth import Admin, Services
from web.idempotency import IdempotentRoute
from web.paging import Cursor, Limit, decode_id, encode
from web.problems import Problem
from web.shapes.common import Page
from web.shapes.connecting import (
    DelegatedOut,
    DelegationEndedOut,
    DelegationIn,
    DelegationMadeOut,
    DelegationOut,
)
from worker.delegations import Delegations, Named
from worker.given import given_address
from worker.refused import Unacceptable

router = APIRouter(prefix="/v1", tags=["delegations"], route_class=IdempotentRoute)


@router.post("/delegations", status_code=201, summary="Connect named users' mailboxes by a key")
def make_delegation(service: Services, caller: Admin, body: DelegationIn) -> DelegationMadeOut:
    """At Google the key of a service account with domain-wide delegation for `gmail.readonly`.

    At Microsoft that of the organisation's own application, which Exchange lets read the named
    mailboxes (RBAC for Applications), shared ones too. It is tried for every user before
    anything is kept; if it doesn't reach one, nothing is.
    """
    if body.provider not in service.providers:
        raise Problem("not-available", "This installation is not registered at the provider.")
    users = [
        Named(one.user, given_address(f"users.{position}.address", one.address))
        for position, one in enumerate(body.users)
    ]
    if len({one.address for one in users}) != len(users):
        raise Unacceptable("users", "name an address twice")
    made, mailboxes = Delegations(service, caller.workspace_id, caller.name).make(
        body.provider, body.key, users, body.since
    )
    return DelegationMadeOut(
        id=str(made),
        mailboxes=[
            DelegatedOut(mailbox=str(id_), user=one.user, address=one.address)
            for id_, one in zip(mailboxes, users, strict=True)
        ],
    )


@router.get("/delegations", summary="List delegations")
def list_delegations(
    service: Services, caller: Admin, limit: Limit = 50, cursor: Cursor = None
) -> Page[DelegationOut]:
    """With how many mailboxes rest on each; the keys are shown to nobody."""
    found, following = Delegations(service, caller.workspace_id, caller.name).page(
        decode_id(cursor), limit
    )
    return Page(
        items=[
            DelegationOut(
                id=str(row.id),
                provider=row.provider,
                created_at=row.created_at,
                mailboxes=row.mailboxes,
            )
            for row in found
        ],
        next=None if following is None else encode(following),
    )


@router.delete("/delegations/{delegation}", status_code=202, summary="End a delegation")
def end_delegation(service: Services, caller: Admin, delegation: str) -> DelegationEndedOut:
    """Its mailboxes are disconnected, and its key is destroyed.

    The delegation itself is taken back in the organisation's own administration.
    """
    orders = Delegations(service, caller.workspace_id, caller.name).end(
        delegation, Instruction(caller.name, "the delegation was ended")
    )
    return DelegationEndedOut(erasures=[str(order) for order in orders])
