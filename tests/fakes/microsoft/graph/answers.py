"""Good answers in Graph's form: one entity, or a page of a collection."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import orjson

from tests.fakes.common.wire import Answer
from tests.fakes.microsoft.graph.refusals import JSON_TYPE
from tests.fakes.microsoft.graph.request import Request


def told(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a value as Graph writes JSON."""
    named = {
        "content-type": JSON_TYPE,
        "cache-control": "private",
        "odata-version": "4.0",
        "request-id": str(uuid.uuid4()),
    }
    return Answer(status, orjson.dumps(value), named | dict(headers or {}))


def entity(request: Request, kind: str, value: Mapping[str, object], status: int = 200) -> Answer:
    """Return one entity with its context."""
    context = {"@odata.context": f"{request.world.url}/v1.0/$metadata#{kind}"}
    return told({**context, **value}, status, applied(request))


def page(
    request: Request,
    kind: str,
    value: list[dict[str, object]],
    next_link: str = "",
    delta_link: str = "",
    count: int | None = None,
) -> Answer:
    """Return a page of a collection and where it goes on; `count` is of all its pages."""
    found: dict[str, object] = {
        "@odata.context": f"{request.world.url}/v1.0/$metadata#{kind}",
        "value": value,
    }
    if count is not None:
        found["@odata.count"] = count
    if next_link:
        found["@odata.nextLink"] = next_link
    if delta_link:
        found["@odata.deltaLink"] = delta_link
    return told(found, 200, applied(request))


def applied(request: Request) -> dict[str, str]:
    """Return the header that says which preferences were honoured (RFC 7240 3)."""
    honoured = []
    if request.is_immutable:
        honoured.append('IdType="ImmutableId"')
    if (size := request.preferred_page) is not None:
        honoured.append(f"odata.maxpagesize={size}")
    return {"preference-applied": ", ".join(honoured)} if honoured else {}
