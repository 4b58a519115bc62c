"""Statistics and the feed of changes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from models.queries import changes
from web.auth import Admin, Crm, Services
from web.paging import Cursor, Limit, decode, encode, to_digest, to_number
from web.problems import invalid
from web.shapes.common import Page
from web.shapes.evidence import ActivityOut, ChangeOut
from worker.activity import activity_by_user

router = APIRouter(prefix="/v1", tags=["statistics"])
FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(9999, 12, 31)


@router.get("/statistics", summary="Count mails per user and day")
def show_statistics(
    service: Services,
    caller: Admin,
    by: Literal["user"] = "user",  # noqa: ARG001  # the one there is, so that more can come
    first: Annotated[date | None, Query(alias="from", description="The first day.")] = None,
    last: Annotated[date | None, Query(alias="to", description="The last day.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ActivityOut]:
    """Mails sent to and received from leads, by day (UTC); no erasure changes them."""
    first, last = first or FIRST_DAY, last or LAST_DAY
    if last < first:
        raise invalid("to", "is before `from`")
    position = decode(cursor, 31, 128)
    after = None if position is None else (position[0], to_digest(position[1]))
    found = activity_by_user(service, caller.workspace_id, first, last, after, limit)
    return Page(
        items=[
            ActivityOut(
                user=one.user, day=one.day.isoformat(), sent=one.sent, received=one.received
            )
            for one in found.items
        ],
        next=None if found.next is None else encode(found.next[0], to_number(found.next[1])),
    )


@router.get("/changes", summary="Follow what happens")
def list_changes(
    service: Services,
    caller: Crm,
    limit: Limit = 50,
    after: Cursor = None,
    cursor: Cursor = None,
) -> Page[ChangeOut]:
    """Everything that happened to this workspace's mail and mailboxes, in order.

    Keep the `cursor` of the last item that you have dealt with and give it as `after` next
    time. `next` is the same cursor while more is known already, and null at the end.
    """
    position = decode(after or cursor, 63, 63) or (0, 0)
    with service.store.workspace(caller.workspace_id) as connection:
        rows = changes.page(connection, (position[0], position[1]), limit + 1)
    items = [
        ChangeOut(kind=row.kind, id=row.subject, at=row.at, cursor=encode(row.xact, row.id))
        for row in rows[:limit]
    ]
    return Page(items=items, next=items[-1].cursor if len(rows) > limit else None)
