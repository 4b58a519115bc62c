"""A message and a folder as Graph shows them, with the properties that v1.0 has.

A message has no property for its size. PidTagMessageSize (MS-OXPROPS, Integer 0x0E08) is had as an
extended property by `$expand`; it sums all properties, so it is near the size of the mail and not
equal to it. Seen: the id is echoed as `Integer 0xe08`, in lower case and without leading zeros.
"""

from __future__ import annotations

import email.utils
import html
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tests.fakes.common.anatomy import dissect
from tests.fakes.common.words import headers_of
from tests.fakes.microsoft.graph.mailbox import Mailbox
from tests.fakes.microsoft.graph.refusals import bad_request, unserved
from tests.fakes.microsoft.graph.stored import Folder, Message
from tests.fakes.microsoft.settings import Settings

Resource = dict[str, object]

_EXPANDED = re.compile(r"singleValueExtendedProperties\(\$filter=(.+)\)", re.IGNORECASE)
_WANTED = re.compile(r"id eq '(\w+) 0x([0-9A-Fa-f]{1,8})'", re.IGNORECASE)
EXTENDED = "singleValueExtendedProperties"


def written(moment: datetime) -> str:
    """Return a time as Graph writes it: UTC, whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _people(message: Message, *names: str) -> list[Resource]:
    values = [value for name, value in headers_of(message.raw) if name.lower() in names]
    found = email.utils.getaddresses(values)
    return [
        {"emailAddress": {"name": name or address, "address": address}}
        for name, address in found
        if address
    ]


def _person(message: Message, *names: str) -> Resource | None:
    for name in names:
        if people := _people(message, name):
            return people[0]
    return None


def _body(message: Message) -> Resource:
    parts = [each for each in dissect(message.raw).walk() if each.mime_type.startswith("text/")]
    shown = next((each for each in parts if each.mime_type == "text/html"), None)
    if shown is not None:
        return {"contentType": "html", "content": shown.body.decode("utf-8", "replace")}
    text = parts[0].body.decode("utf-8", "replace") if parts else ""
    return {"contentType": "html", "content": f"<pre>{html.escape(text)}</pre>"}


def _message_id(message: Message) -> str:
    # Exchange makes one for a mail that has none.
    own = message.heads.message_id or f"{message.id[8:40]}@stand-in.prod.outlook.example"
    return f"<{own}>"


def _headers(message: Message) -> list[Resource]:
    return [{"name": name, "value": value} for name, value in headers_of(message.raw)]


_MESSAGE: Mapping[str, Callable[[Message], object]] = {
    "createdDateTime": lambda each: written(each.created),
    "lastModifiedDateTime": lambda each: written(each.modified),
    "changeKey": lambda each: f"CQAAABYAAAC{each.version:08x}",
    "categories": lambda _: [],
    "receivedDateTime": lambda each: written(each.received),
    "sentDateTime": lambda each: written(each.sent),
    "hasAttachments": lambda each: bool(each.gist.filenames),
    "internetMessageId": _message_id,
    "subject": lambda each: each.heads.subject,
    "bodyPreview": lambda each: html.unescape(each.gist.snippet),
    "importance": lambda _: "normal",
    "parentFolderId": lambda each: each.folder,
    "conversationId": lambda each: each.conversation,
    "conversationIndex": lambda each: each.conversation[4:32],
    "isDeliveryReceiptRequested": lambda _: None,
    "isReadReceiptRequested": lambda _: False,
    "isRead": lambda each: each.is_read,
    "isDraft": lambda each: each.is_draft,
    "webLink": lambda each: f"https://outlook.office365.com/owa/?ItemID={each.rest_id}",
    "inferenceClassification": lambda _: "focused",
    "body": _body,
    "sender": lambda each: _person(each, "sender", "from"),
    "from": lambda each: _person(each, "from"),
    "toRecipients": lambda each: _people(each, "to"),
    "ccRecipients": lambda each: _people(each, "cc"),
    "bccRecipients": lambda each: _people(each, "bcc"),
    "replyTo": lambda each: _people(each, "reply-to"),
    "flag": lambda _: {"flagStatus": "notFlagged"},
}
_ONLY_SELECTED: Mapping[str, Callable[[Message], object]] = {
    "internetMessageHeaders": _headers,
    "uniqueBody": _body,
}
MESSAGE = ("id", *_MESSAGE, *_ONLY_SELECTED)
"""The properties of a message (learn.microsoft.com/graph/api/resources/message)."""
CONTENT = frozenset({"body", "bodyPreview", "uniqueBody"})
"""What `Mail.ReadBasic` leaves out."""
FOLDER = (
    *("id", "displayName", "parentFolderId", "childFolderCount", "unreadItemCount"),
    *("totalItemCount", "isHidden"),
)
"""The properties of a folder; `wellKnownName` is of the beta only."""


def names_of(select: list[str]) -> list[str]:
    """Return the properties that are shown when these are selected; all but two without any."""
    return [each for each in select if each != "id"] or list(_MESSAGE)


def message_resource(
    message: Message,
    names: list[str],
    extended: list[tuple[str, int]],
    settings: Settings,
    *,
    immutable: bool,
) -> Resource:
    """Return a message with the named properties."""
    makers = {**_MESSAGE, **_ONLY_SELECTED}
    resource: Resource = {
        "@odata.etag": f'W/"CQAAABYAAAC{message.version:08x}"',
        "id": message.known_as(immutable=immutable),
        **{name: makers[name](message) for name in names},
    }
    held = {0x0E08: ("Integer", len(message.raw) + settings.size_overhead_bytes)}
    return resource | _extended(extended, held)


def folder_resource(
    mailbox: Mailbox, folder: Folder, names: list[str], extended: list[tuple[str, int]]
) -> Resource:
    """Return a folder with the named properties."""
    known: Resource = {
        "displayName": folder.name,
        "parentFolderId": folder.parent,
        "childFolderCount": len(mailbox.folders.children(folder.id)),
        "unreadItemCount": folder.unread,
        "totalItemCount": len(folder.messages),
        "isHidden": folder.is_hidden,
    }
    held = {
        # PidTagLocalCommitTimeMax and PidTagDeletedCountTotal.
        0x670A: ("SystemTime", written(folder.changed) if folder.changed else ""),
        0x670B: ("Integer", folder.deleted),
    }
    wanted = [each for each in names if each != "id"] or list(known)
    shown = {name: known[name] for name in wanted}
    return {"id": folder.id, **shown, **_extended(extended, held)}


def expanded(option: str) -> list[tuple[str, int]]:
    """Return the extended properties that `$expand` asks for: the type's name and the tag.

    Raises:
        Refusal: It asks for something else.
    """
    if not option:
        return []
    match = _EXPANDED.fullmatch(option.strip())
    if match is None:
        raise unserved(f"$expand={option}")
    wanted = _WANTED.findall(match[1])
    rest = _WANTED.sub("", match[1]).replace(" or ", "").strip()
    if not wanted or rest:
        raise bad_request(f"The filter of $expand is not valid: {match[1]}", "ErrorInvalidProperty")
    return [(kind, int(tag, 16)) for kind, tag in wanted]


def _extended(wanted: list[tuple[str, int]], held: Mapping[int, tuple[str, object]]) -> Resource:
    found = [
        {"id": f"{held[tag][0]} {tag:#x}", "value": str(held[tag][1])}
        for _, tag in wanted
        if tag in held and held[tag][1] != ""
    ]
    # What a message doesn't have is not there at all.
    return {EXTENDED: found} if found else {}
