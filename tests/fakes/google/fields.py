"""Partial responses: the `fields` parameter, checked against the answer's schema."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.fakes.google import discovery
from tests.fakes.google.errors import Refusal, bad_request

Selection = Mapping[str, "Selection | None"]
"""Wanted names, each with a selection inside it or with nothing: all of it."""

_PIECE = re.compile(r"[A-Za-z_][\w.-]*|[*/,()]")


def select(answer: dict[str, object], fields: str, schema: str | None) -> dict[str, object]:
    """Return only what was asked for, as in `messages(id,threadId),nextPageToken`.

    Raises:
        Refusal: The text is no selection, or names what the schema doesn't have.
    """
    if not fields or schema is None:
        return answer
    selection = _Reader(fields).read()
    _check(selection, schema, fields)
    kept = _kept(answer, selection)
    assert isinstance(kept, dict)
    return kept


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[str] = _PIECE.findall(text.replace(" ", ""))
        if "".join(self._pieces) != text.replace(" ", ""):
            raise _invalid(text)

    def read(self) -> dict[str, Selection | None]:
        selection = self._list()
        if self._pieces:
            raise _invalid(self._text)
        return selection

    def _list(self) -> dict[str, Selection | None]:
        selection: dict[str, Selection | None] = {}
        while True:
            name = self._take()
            if name in set("/,()"):
                raise _invalid(self._text)
            selection[name] = self._inside()
            if self._next() != ",":
                return selection
            self._take()

    def _inside(self) -> Selection | None:
        if self._next() == "(":
            self._take()
            inner = self._list()
            if self._take() != ")":
                raise _invalid(self._text)
            return inner
        if self._next() == "/":
            self._take()
            name = self._take()
            return {name: self._inside()}
        return None

    def _next(self) -> str:
        return self._pieces[0] if self._pieces else ""

    def _take(self) -> str:
        if not self._pieces:
            raise _invalid(self._text)
        return self._pieces.pop(0)


def _check(selection: Selection, schema: str, fields: str) -> None:
    properties = discovery.schema(schema).properties
    for name, inner in selection.items():
        if name == "*":
            continue
        if name not in properties:
            raise _invalid(name)
        inside = properties[name].schema_name
        if inner is not None and inside is None:
            raise _invalid(fields)
        if inner is not None and inside is not None:
            _check(inner, inside, fields)


def _kept(value: object, selection: Selection | None) -> object:
    if selection is None:
        return value
    if isinstance(value, list):
        return [_kept(each, selection) for each in value]
    assert isinstance(value, dict)
    return {
        name: _kept(inner, selection.get(name, selection.get("*")))
        for name, inner in value.items()
        if name in selection or "*" in selection
    }


def _invalid(what: str) -> Refusal:
    refusal = bad_request(f"Invalid field selection {what}", "invalidParameter")
    refusal.location, refusal.location_type = "fields", "parameter"
    return refusal
