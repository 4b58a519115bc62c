"""`messages/delta`: what lies in a folder, then what has changed there.

See learn.microsoft.com/graph/api/message-delta and delta-query-messages. Of the query options only
`$select`, `$top`, `$expand`, `$filter=receivedDateTime ge|gt` (5,000 messages at most),
`$orderby=receivedDateTime desc` and `changeType` are taken, and with the first request alone: they
are inside of every link that follows.
"""

from __future__ import annotations

import re

from tests.fakes.common.wire import Answer
from tests.fakes.microsoft.graph import filters, odata
from tests.fakes.microsoft.graph.answers import page
from tests.fakes.microsoft.graph.journal import Change
from tests.fakes.microsoft.graph.odata import Options
from tests.fakes.microsoft.graph.properties import Resource
from tests.fakes.microsoft.graph.refusals import Refusal, invalid_query
from tests.fakes.microsoft.graph.request import Request
from tests.fakes.microsoft.graph.rounds import Entry, Query, Round, later_round
from tests.fakes.microsoft.graph.showing import View, view
from tests.fakes.microsoft.graph.stored import Folder

_TOKENS = ("$deltatoken", "$skiptoken")
_ALLOWED = frozenset({"$select", "$top", "$expand", "$filter", "$orderby", "changeType", *_TOKENS})
_SINCE = re.compile(r"\s*receivedDateTime\s+g[et]\s+\S+\s*")
_LATEST = re.compile(r"\s*receivedDateTime\s+desc\s*", re.IGNORECASE)
_TYPE = "#microsoft.graph.message"


def delta(request: Request) -> Answer:
    """Answer `GET mailFolders/{id}/messages/delta`."""
    options = odata.read(request.call, _ALLOWED)
    folder = request.mailbox.folders.get(request.path["folder"])
    round_ = _round(request, options, folder)
    size = _size(request, round_)
    wanted = View(round_.select, round_.expand)
    shown = [
        told
        for entry in round_.page(size)
        if (told := _told(request, folder, entry, wanted)) is not None
    ]
    here = f"{request.world.url}/v1.0/{request.base}/mailFolders('{folder.id}')/messages/delta"
    links = request.mailbox.links
    if round_.has_more(size):
        more = f"{here}?$skiptoken={links.keep(round_.after(size))}"
        return page(request, "Collection(message)", shown, next_link=more)
    done = f"{here}?$deltatoken={links.keep(round_.next_round())}"
    return page(request, "Collection(message)", shown, delta_link=done)


def _round(request: Request, options: Options, folder: Folder) -> Round:
    token = next((options.text(each) for each in _TOKENS if options.text(each)), "")
    if not token:
        return _first(request, options, folder)
    if len(options.given) > 1:
        raise invalid_query("With a token there can be no other query option.")
    first = request.url(f"mailFolders/{folder.id}/messages/delta")
    found = request.mailbox.links.find(token, first)
    if found.query.folder != folder.id:
        raise Refusal(400, "ErrorInvalidSyncStateData", "The sync state is of another folder.")
    if not found.is_over:
        return found
    return later_round(request.mailbox, folder, found, immutable=request.is_immutable)


def _first(request: Request, options: Options, folder: Folder) -> Round:
    since = options.text("$filter")
    if since and not _SINCE.fullmatch(since):
        raise invalid_query(f"The filter '{since}' is not supported in delta of messages.")
    if options.text("$orderby") and not _LATEST.fullmatch(options.text("$orderby")):
        raise invalid_query("Only receivedDateTime desc is supported in delta of messages.")
    kind = options.text("changeType")
    if kind and kind not in set(Change):
        raise invalid_query(f"changeType={kind} is not supported.")
    wanted = view(options)
    settings = request.world.settings
    if wanted.expand and not settings.expands_in_delta:
        message = "Value cannot be null.\r\nParameter name: type"
        raise Refusal(500, "ErrorInternalServerError", message)
    top = options.number("$top", 1, settings.most_per_page) or 0
    query = Query(folder.id, tuple(wanted.select), tuple(wanted.expand), since, top, kind)
    found = request.mailbox.newest_first(folder)
    if since:
        _, holds = filters.parse(since)
        found = [each for each in found if holds(each)][: settings.filtered_most]
    entries = tuple(Entry(each.id) for each in found)
    return Round(query, request.mailbox.journal.current, entries)


def _size(request: Request, round_: Round) -> int:
    settings = request.world.settings
    asked = request.preferred_page or round_.query.top or settings.page
    return min(asked, settings.most_per_page)


def _told(request: Request, folder: Folder, entry: Entry, wanted: View) -> Resource | None:
    if entry.reason:
        known_as = entry.id if request.is_immutable else entry.rest_id
        return {"@odata.type": _TYPE, "id": known_as, "@removed": {"reason": entry.reason}}
    message = folder.messages.get(entry.id)
    if message is None:
        # It went meanwhile: the next round tells so. A page may well be empty.
        return None
    is_partial = request.world.settings.partial_updates and entry.is_update
    only = ["isRead"] if is_partial else None
    return {"@odata.type": _TYPE, **wanted.show(request, message, only)}
