"""What comes in and what goes out, whichever way it travels: alone or as a part of a batch."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

import orjson

JSON_TYPE = "application/json; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; header names are in lower case, the path still percent-encoded."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    in_batch: bool = False

    def parameter(self, name: str) -> str | None:
        """Return a query parameter, the last one if it is repeated."""
        return dict(self.query).get(name)

    def as_meant(self) -> Call:
        """Return what a POST stands for that says so: a GET whose query is too long for a URL."""
        verb = self.headers.get("x-http-method-override", "").upper()
        if self.verb != "POST" or not verb:
            return self
        query = self.query
        body = self.body
        if verb == "GET":
            text = body.decode("utf-8", "replace")
            query += tuple(urllib.parse.parse_qsl(text, keep_blank_values=True))
            body = b""
        return replace(self, verb=verb, query=query, body=body)

    def form(self) -> dict[str, str]:
        """Return the body as a form (application/x-www-form-urlencoded)."""
        text = self.body.decode("utf-8", "replace")
        return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))

    def json(self) -> object:
        """Return the body as JSON; an empty body is an empty object."""
        parsed: object = json.loads(self.body or b"{}")
        return parsed


class Breakage(StrEnum):
    """What goes wrong on the line after all is decided."""

    TRUNCATED = "truncated"
    """Half of the body, then the connection ends."""
    HANGING = "hanging"
    """Nothing at all until the client goes."""
    DROPPED = "dropped"
    """The connection ends without an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, when it goes out, and how it breaks on its way."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: timedelta = timedelta()
    breakage: Breakage | None = None
    after: Callable[[], object] = lambda: None
    """Called under the world's lock when the answer goes out, or its line is gone."""
    reason: str = ""
    """The provider's name for a refusal, else empty."""


def json_answer(
    value: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    pretty: bool = True,
) -> Answer:
    """Return a value as JSON, indented if it is to be read by people."""
    option = orjson.OPT_INDENT_2 if pretty else 0
    body = orjson.dumps(value, option=option | orjson.OPT_APPEND_NEWLINE)
    return Answer(
        status, body, {"content-type": JSON_TYPE, "cache-control": "private"} | dict(headers or {})
    )


def page_answer(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a page for a browser."""
    named = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return Answer(status, html.encode(), named | dict(headers or {}))


def redirect(url: str) -> Answer:
    """Send the browser elsewhere."""
    return Answer(302, b"", {"location": url, "cache-control": "no-store"})


def not_found() -> Answer:
    """Return what a front end says of a path that nobody serves."""
    return page_answer("<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", 404)
