"""Gmail's methods as the stand-in serves them, by their names in the discovery document."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fakes.google import history as log
from tests.fakes.google.errors import bad_request, forbidden, invalid_argument, not_found
from tests.fakes.google.labels import HIDDEN, Label
from tests.fakes.google.payload import attachment_resource, message_resource
from tests.fakes.google.query import parse
from tests.fakes.google.request import Handler, Request
from tests.fakes.google.search import Searcher, reaches_hidden
from tests.fakes.google.stored import Stored

ESTIMATE = 201
"""What `resultSizeEstimate` says when there are more than a page: it is no count."""


def get_profile(request: Request) -> dict[str, object]:
    """Answer `users.getProfile`."""
    mailbox = request.mailbox
    return {
        "emailAddress": request.account.address,
        "messagesTotal": len(mailbox),
        "threadsTotal": mailbox.threads,
        "historyId": str(mailbox.history.current),
    }


def list_labels(request: Request) -> dict[str, object]:
    """Answer `users.labels.list`."""
    return {"labels": [label.resource() for label in request.mailbox.labels]}


def get_label(request: Request) -> dict[str, object]:
    """Answer `users.labels.get`, with counts."""
    label = _label(request, request.path["id"])
    messages = [each for each in request.mailbox.newest_first if label.id in each.labels]
    unread = [each for each in messages if "UNREAD" in each.labels]
    return label.resource() | {
        "messagesTotal": len(messages),
        "messagesUnread": len(unread),
        "threadsTotal": len({each.thread for each in messages}),
        "threadsUnread": len({each.thread for each in unread}),
    }


def list_messages(request: Request) -> dict[str, object]:
    """Answer `users.messages.list`: newest first, by the place after the last one shown."""
    values = request.values
    query = values.text("q")
    if query and request.is_metadata_only:
        raise forbidden("Metadata scope does not support 'q' parameter")
    labels = values.all("labelIds")
    with_hidden = values.flag("includeSpamTrash")
    listing = (request.account.sub, "messages", query, *sorted(labels), str(with_hidden))
    size = values.page_size()
    found = _found(request, query, labels, with_hidden=with_hidden)
    if token := values.text("pageToken"):
        after = request.world.pages.place(token, listing)
        found = [each for each in found if each.order > after]
    page = found[:size]
    answer: dict[str, object] = {}
    if page:
        answer["messages"] = [each.named for each in page]
    if len(found) > size:
        answer["nextPageToken"] = request.world.pages.give(listing, page[-1].order)
    return answer | {"resultSizeEstimate": ESTIMATE if len(found) > size else len(page)}


def _found(request: Request, query: str, labels: list[str], *, with_hidden: bool) -> list[Stored]:
    for label in labels:
        if label not in request.mailbox.labels:
            raise invalid_argument(f"Invalid label: {label}")
    node = parse(query)
    meant = Searcher(request.mailbox, request.world.clock.now()).find(node)
    if with_hidden or HIDDEN & set(labels) or reaches_hidden(node):
        left_out: frozenset[str] = frozenset()
    else:
        left_out = HIDDEN
    wanted = set(labels)
    return [
        each
        for each in request.mailbox.newest_first
        if each in meant and wanted <= each.labels and not left_out & each.labels
    ]


def get_message(request: Request) -> dict[str, object]:
    """Answer `users.messages.get` in the format that was asked for."""
    shape = request.values.text("format")
    if request.is_metadata_only and shape in {"full", "raw"}:
        raise forbidden(f"Metadata scope doesn't allow format {shape.upper()}")
    headers = request.values.all("metadataHeaders")
    if headers and shape != "metadata":
        headers = []
    return message_resource(request.mailbox.get(request.path["id"]), shape, headers)


def get_attachment(request: Request) -> dict[str, object]:
    """Answer `users.messages.attachments.get`."""
    return attachment_resource(request.mailbox.get(request.path["messageId"]), request.path["id"])


def list_history(request: Request) -> dict[str, object]:
    """Answer `users.history.list`; pages go on where the last record was, changes come behind."""
    values = request.values
    start = values.number("startHistoryId")
    if start is None:
        raise bad_request("Missing required parameter: startHistoryId", "required")
    label = values.text("labelId") or None
    if label is not None:
        _label(request, label)
    kinds = values.all("historyTypes")
    listing = (request.account.sub, "history", str(start), *sorted(kinds), label or "")
    records = request.mailbox.history.since(start, request.world.clock.now())
    if token := values.text("pageToken"):
        (after,) = request.world.pages.place(token, listing)
        records = [record for record in records if record.id > after]
    records = log.wanted(records, kinds, label)
    size = values.page_size()
    answer: dict[str, object] = {}
    if records:
        answer["history"] = [record.resource() for record in records[:size]]
    if len(records) > size:
        answer["nextPageToken"] = request.world.pages.give(listing, (records[size - 1].id,))
    return answer | {"historyId": str(request.mailbox.history.current)}


def watch(request: Request) -> dict[str, object]:
    """Answer `users.watch`, and publish the present state at once."""
    world = request.world
    expiration = world.watches.start(request.account, request.body(), world.settings)
    world.watches.on_start(request.account)
    return {
        "historyId": str(request.mailbox.history.current),
        "expiration": str(int(expiration.timestamp() * 1000)),
    }


def stop(request: Request) -> dict[str, object]:
    """Answer `users.stop`; without a watch it is no error."""
    request.world.watches.stop(request.account)
    return {}


def _label(request: Request, label_id: str) -> Label:
    label = request.mailbox.labels.get(label_id)
    if label is None:
        raise not_found()
    return label


SERVED: Mapping[str, Handler] = {
    "gmail.users.getProfile": get_profile,
    "gmail.users.labels.list": list_labels,
    "gmail.users.labels.get": get_label,
    "gmail.users.messages.list": list_messages,
    "gmail.users.messages.get": get_message,
    "gmail.users.messages.attachments.get": get_attachment,
    "gmail.users.history.list": list_history,
    "gmail.users.watch": watch,
    "gmail.users.stop": stop,
}
