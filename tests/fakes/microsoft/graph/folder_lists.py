"""Folders: one, those below another, and their delta."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping

from tests.fakes.common.wire import Answer
from tests.fakes.microsoft.graph import odata
from tests.fakes.microsoft.graph.answers import entity, page
from tests.fakes.microsoft.graph.properties import FOLDER, Resource, expanded, folder_resource
from tests.fakes.microsoft.graph.refusals import bad_request
from tests.fakes.microsoft.graph.request import Request
from tests.fakes.microsoft.graph.rounds import Entry
from tests.fakes.microsoft.graph.stored import Folder

_LISTED = frozenset({"$select", "$top", "$skip", "$count", "$expand", "includeHiddenFolders"})


def get(request: Request) -> Answer:
    """Answer `GET mailFolders/{id or well-known name}`."""
    options = odata.read(request.call, {"$select", "$expand", "includeHiddenFolders"})
    select = options.select(FOLDER, "mailFolder")
    wanted = expanded(options.text("$expand"))
    folder = request.mailbox.folders.get(request.path["folder"])
    shown = folder_resource(request.mailbox, folder, select, wanted)
    return entity(request, "users('id')/mailFolders/$entity", shown)


def top(request: Request) -> Answer:
    """Answer `GET mailFolders`: those directly below the root."""
    return _list(request, request.mailbox.folders.root)


def below(request: Request) -> Answer:
    """Answer `GET mailFolders/{id}/childFolders`."""
    return _list(request, request.mailbox.folders.get(request.path["folder"]))


def _list(request: Request, parent: Folder) -> Answer:
    options = odata.read(request.call, _LISTED)
    select = options.select(FOLDER, "mailFolder")
    wanted = expanded(options.text("$expand"))
    settings = request.world.settings
    asked = options.number("$top", 1, settings.most_per_page) or request.preferred_page
    size = min(asked or settings.page, settings.most_per_page)
    skip = options.number("$skip", 0, 10**6) or 0
    hidden = options.flag("includeHiddenFolders")
    children = [
        each for each in request.mailbox.folders.children(parent.id) if hidden or not each.is_hidden
    ]
    shown: list[Resource] = [
        folder_resource(request.mailbox, each, select, wanted)
        for each in children[skip : skip + size]
    ]
    more = next_by_skip(request, options.given, skip + size) if len(children) > skip + size else ""
    count = len(children) if options.flag("$count") else None
    return page(request, "users('id')/mailFolders", shown, more, count=count)


def next_by_skip(request: Request, given: Mapping[str, str], skip: int) -> str:
    """Return the link to the next page of a list: what comes or goes meanwhile shifts it."""
    query = {**given, "$skip": str(skip)}
    path = request.call.path.removeprefix("/v1.0")
    return f"{request.world.url}/v1.0{path}?{urllib.parse.urlencode(query, safe='$,()')}"


def delta(request: Request) -> Answer:
    """Answer `GET mailFolders/delta`: all folders of whatever depth, then what changed."""
    allowed = {"$select", "$deltatoken", "$skiptoken", "$top", "$expand"}
    options = odata.read(request.call, allowed)
    token = options.text("$deltatoken") or options.text("$skiptoken")
    links = request.mailbox.links
    if token:
        round_ = links.folder_round(token, request.url("mailFolders/delta"), request.mailbox)
    else:
        wanted = expanded(options.text("$expand"))
        if wanted and not request.world.settings.expands_in_folder_delta:
            raise bad_request("The query option '$expand' is not supported in delta of folders.")
        select = options.select(FOLDER, "mailFolder")
        round_ = links.first_folder_round(request.mailbox, select, wanted)
    settings = request.world.settings
    size = min(request.preferred_page or settings.page, settings.most_per_page)
    shown = [_shown(request, each, round_.select, round_.expand) for each in round_.page(size)]
    here = f"{request.world.url}/v1.0/{request.base}/mailFolders/delta"
    if round_.has_more(size):
        more = f"{here}?$skiptoken={links.keep(round_.after(size))}"
        return page(request, "Collection(mailFolder)", shown, next_link=more)
    done = f"{here}?$deltatoken={links.keep(round_.next_round())}"
    return page(request, "Collection(mailFolder)", shown, delta_link=done)


def _shown(
    request: Request, entry: Entry, select: list[str], wanted: list[tuple[str, int]]
) -> Resource:
    folder = request.mailbox.folders.find(entry.id)
    if entry.reason or folder is None:
        return {
            "@odata.type": "#microsoft.graph.mailFolder",
            "id": entry.id,
            "@removed": {"reason": entry.reason or "deleted"},
        }
    shown = folder_resource(request.mailbox, folder, select, wanted)
    return {"@odata.type": "#microsoft.graph.mailFolder", **shown}
