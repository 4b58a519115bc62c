"""Messages: lists with filter or search, one message, and its MIME content."""

from __future__ import annotations

import urllib.parse

from tests.fakes.common.wire import Answer
from tests.fakes.microsoft.graph import filters, kql, odata
from tests.fakes.microsoft.graph.answers import entity, page
from tests.fakes.microsoft.graph.folder_lists import next_by_skip
from tests.fakes.microsoft.graph.odata import Options
from tests.fakes.microsoft.graph.refusals import bad_request, invalid_query, item_not_found
from tests.fakes.microsoft.graph.request import Request
from tests.fakes.microsoft.graph.search import search
from tests.fakes.microsoft.graph.showing import view
from tests.fakes.microsoft.graph.stored import Folder, Message

_LISTED = frozenset("$select $top $skip $count $filter $orderby $search $expand $skiptoken".split())
_KIND = "users('id')/messages"


def listed(request: Request) -> Answer:
    """Answer `GET messages`, of the mailbox or of one folder."""
    options = odata.read(request.call, _LISTED)
    folder = None
    if "folder" in request.path:
        folder = request.mailbox.folders.get(request.path["folder"])
    if options.text("$search"):
        return _searched(request, options, folder)
    if options.text("$skiptoken"):
        raise invalid_query("'$skiptoken' belongs to a search.")
    return _filtered(request, options, folder)


def get(request: Request) -> Answer:
    """Answer `GET messages/{id}`."""
    options = odata.read(request.call, {"$select", "$expand"})
    wanted = view(options)
    message = _message(request)
    return entity(request, f"{_KIND}/$entity", wanted.show(request, message))


def content(request: Request) -> Answer:
    """Answer `GET messages/{id}/$value`: the mail as MIME.

    Exchange builds it anew from what it stores; the stand-in gives what it was given.
    """
    odata.read(request.call, ())
    message = _message(request)
    request.counters.contents.append(message.id)
    return Answer(200, message.raw, {"content-type": "text/plain", "cache-control": "private"})


def _message(request: Request) -> Message:
    message = request.mailbox.get(request.path["message"])
    if "folder" in request.path:
        folder = request.mailbox.folders.get(request.path["folder"])
        if message.folder != folder.id:
            raise item_not_found()
    return message


def _filtered(request: Request, options: Options, folder: Folder | None) -> Answer:
    wanted = view(options)
    names, holds = filters.parse(options.text("$filter")) if options.text("$filter") else ([], None)
    found = request.mailbox.newest_first(folder)
    if options.text("$orderby"):
        key, is_descending = filters.order(options.text("$orderby"), names)
        found = sorted(found, key=key, reverse=is_descending)
    if holds is not None:
        found = [each for each in found if holds(each)]
    size = _size(request, options)
    skip = options.number("$skip", 0, 10**6) or 0
    shown = [wanted.show(request, each) for each in found[skip : skip + size]]
    more = next_by_skip(request, options.given, skip + size) if len(found) > skip + size else ""
    count = len(found) if options.flag("$count") else None
    return page(request, _KIND, shown, more, count=count)


def _searched(request: Request, options: Options, folder: Folder | None) -> Answer:
    for name, code in (
        ("$filter", "SearchWithFilter"),
        ("$orderby", "SearchWithOrderBy"),
        ("$skip", "SearchWithSkip"),
        ("$count", "SearchWithCount"),
    ):
        if options.text(name):
            message = f"The query parameter '{name}' is not supported with '$search'."
            raise bad_request(message, code)
    wanted = view(options)
    text = options.text("$search")
    request.counters.searches.append(text)
    indexed_until = request.world.clock.now() - request.world.settings.index_lag
    found = search(request.mailbox, kql.parse(text))
    found = [each for each in found if each.created <= indexed_until]
    if folder is not None:
        found = [each for each in found if each.folder == folder.id]
    found = found[: request.world.settings.search_most]
    size = _size(request, options)
    begin = options.number("$skiptoken", 0, 10**6) or 0
    shown = [wanted.show(request, each) for each in found[begin : begin + size]]
    more = ""
    if len(found) > begin + size:
        query = {**options.given, "$skiptoken": str(begin + size)}
        path = request.call.path.removeprefix("/v1.0")
        more = f"{request.world.url}/v1.0{path}?{urllib.parse.urlencode(query, safe='$,()')}"
    return page(request, _KIND, shown, more)


def _size(request: Request, options: Options) -> int:
    settings = request.world.settings
    asked = options.number("$top", 1, settings.most_per_page) or request.preferred_page
    return min(asked or settings.page, settings.most_per_page)
