"""One message as Graph describes it: what is asked for, and how the answer is read.

Neither subject nor preview nor body is among it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import Envelope, MessageRef
from connectors.errors import Misbehaved
from mail.address import Address, canonical

Json = Mapping[str, Any]

SELECT = (
    "id,parentFolderId,conversationId,internetMessageId,receivedDateTime,"
    "from,sender,toRecipients,ccRecipients,bccRecipients,replyTo"
)
SIZE = "singleValueExtendedProperties($filter=id eq 'Integer 0x0E08')"
"""PidTagMessageSize: Graph's message has no size of its own (MS-OXPROPS 2.796)."""
DESCRIBED = {"$select": SELECT, "$expand": SIZE}
"""The query for all of an envelope."""
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""When a message came that doesn't say: one more of the past, wherever that begins."""


def envelope_of(item: Json, folder: str = "") -> Envelope:
    """Return the envelope of a message in a folder, else where it says it lies.

    Raises:
        Misbehaved: The answer lacks what was asked for.
    """
    try:
        ref = MessageRef(folder or item["parentFolderId"], item["id"])
    except KeyError:
        raise Misbehaved("a message without folder or id") from None
    return Envelope(
        ref=ref,
        size=size_of(item),
        received_at=received_in(item) or UNKNOWN_TIME,
        sender=addresses(person_in(item, "from"), person_in(item, "sender")),
        recipients=addresses(
            *(one for kind in ("to", "cc", "bcc") for one in item.get(f"{kind}Recipients") or ())
        ),
        reply_to=addresses(*(item.get("replyTo") or ())),
        message_id=(item.get("internetMessageId") or "").strip().strip("<>"),
        object_id=ref.id,
        thread_id=item.get("conversationId") or "",
    )


def person_in(item: Json, name: str) -> Json:
    """Return a property that holds one person; empty without one."""
    return item.get(name) or {}


def addresses(*people: Json) -> tuple[Address, ...]:
    """Return the addresses of people, each once and in order.

    One inside an organisation may be written in Exchange's own form, which is no address.
    """
    return tuple(dict.fromkeys(found(people)))


def found(people: Iterable[Json]) -> Iterator[Address]:
    """Yield the addresses that can be read."""
    for person in people:
        text = (person.get("emailAddress") or {}).get("address")
        address = canonical(text) if isinstance(text, str) else None
        if address is not None:
            yield address


def size_of(item: Json) -> int:
    """Return a message's bytes as the store counts them; 0 if it doesn't say."""
    for extended in item.get("singleValueExtendedProperties") or ():
        if str(extended.get("id", "")).lower().endswith("0xe08"):
            return int(extended["value"])
    return 0


def received_in(item: Json) -> datetime | None:
    """Return when the mailbox got a message; None if that isn't told, or can't be read."""
    text = item.get("receivedDateTime")
    try:
        return moment(text) if isinstance(text, str) else None
    except ValueError:
        return None


def moment(text: str) -> datetime:
    """Return a time as Graph writes it, aware and UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(at: datetime) -> str:
    """Return a time as Graph's filters take it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(at: datetime | None) -> int:
    """Return a time in seconds since 1970, 0 for none."""
    return 0 if at is None else int(at.timestamp())
