"""Gmail's methods, parameters and schemas, read from the discovery document that Google ships."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from pydantic import BaseModel, Field

DOCUMENT = files("googleapiclient") / "discovery_cache/documents/gmail.v1.json"


class Parameter(BaseModel):
    """What the document says of a parameter."""

    type: str
    location: str
    format: str = ""
    repeated: bool = False
    required: bool = False
    default: str | None = None
    enum: list[str] = []


class Property(BaseModel):
    """What the document says of a schema's property."""

    type: str = ""
    ref: str | None = Field(None, alias="$ref")
    items: Property | None = None

    @property
    def schema_name(self) -> str | None:
        """The schema of the value or of its items; none for plain values."""
        return self.ref or (self.items.schema_name if self.items else None)


class Schema(BaseModel):
    """An object's properties by name."""

    properties: dict[str, Property] = {}


class _Method(BaseModel):
    id: str
    verb: str = Field(alias="httpMethod")
    path: str
    parameters: dict[str, Parameter] = {}
    scopes: list[str] = []
    request: Property | None = None
    response: Property | None = None


class _Resource(BaseModel):
    methods: dict[str, _Method] = {}
    resources: dict[str, _Resource] = {}

    def walk(self) -> Iterator[_Method]:
        yield from self.methods.values()
        for resource in self.resources.values():
            yield from resource.walk()


class _Document(_Resource):
    parameters: dict[str, Parameter]
    schemas: dict[str, Schema]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API: where it is called, with what, and what it answers."""

    id: str
    verb: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Parameter]
    """All query parameters, those common to all methods included."""
    scopes: frozenset[str]
    response: str | None
    """The schema of the answer; none when it is empty."""


@functools.cache
def _document() -> _Document:
    return _Document.model_validate_json(DOCUMENT.read_text())


@functools.cache
def methods() -> tuple[Method, ...]:
    """Return all methods that the document names, served here or not."""
    return tuple(_method(each) for each in _document().walk())


def schema(name: str) -> Schema:
    """Return a schema by its name."""
    return _document().schemas[name]


def find(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """Return the method of a request and the values in its path; none when there is none."""
    for method in methods():
        if method.verb == verb and (found := method.pattern.fullmatch(path)):
            values = {
                name: urllib.parse.unquote(value) for name, value in found.groupdict().items()
            }
            return method, values
    return None


def _method(read: _Method) -> Method:
    pattern = re.sub(r"\\{\\?\+?(\w+)\\}", r"(?P<\1>[^/]+)", re.escape("/" + read.path))
    own = {name: each for name, each in read.parameters.items() if each.location == "query"}
    return Method(
        read.id,
        read.verb,
        re.compile(pattern),
        {**_document().parameters, **own},
        frozenset(read.scopes),
        read.response.ref if read.response else None,
    )
