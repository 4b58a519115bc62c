"""Query parameters as the discovery document names them: honoured or refused, never ignored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.google.discovery import Method, Parameter
from tests.fakes.google.errors import bad_request, invalid_argument, unserved

_LARGEST = {"uint32": 2**32 - 1, "int32": 2**31 - 1, "uint64": 2**64 - 1, "int64": 2**63 - 1}


@dataclass(frozen=True, slots=True)
class Values:
    """The query of one call, checked: values are text that fits the parameter's type."""

    given: dict[str, list[str]]
    method: Method

    def text(self, name: str) -> str:
        """Return a value; the documented default, else '', when it was not given."""
        if name in self.given:
            return self.given[name][-1]
        return self.method.parameters[name].default or ""

    def all(self, name: str) -> list[str]:
        """Return the values of a repeated parameter."""
        return self.given.get(name, [])

    def number(self, name: str) -> int | None:
        """Return a number; nothing when neither given nor documented."""
        text = self.text(name)
        return int(text) if text else None

    def flag(self, name: str) -> bool:
        """Return a boolean; false when neither given nor documented."""
        return _is_true(self.text(name))

    def page_size(self) -> int:
        """Return `maxResults`; zero is "not given" (proto3).

        Raises:
            Refusal: More than the documented 500.
        """
        size = self.number("maxResults") or 100
        if size > 500:
            raise invalid_argument("Invalid value for maxResults: the maximum is 500.")
        return size


def read(method: Method, query: Sequence[tuple[str, str]]) -> Values:
    """Return the query of a call.

    Raises:
        Refusal: A name that the document doesn't have, a value that doesn't fit, or a common
            parameter that would change the answer in a way the stand-in doesn't serve.
    """
    given: dict[str, list[str]] = {}
    for name, value in query:
        parameter = method.parameters.get(name)
        if parameter is None:
            raise bad_request(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query '
                f"parameter. Field '{name}' could not be found in request message."
            )
        if name in given and not parameter.repeated:
            raise bad_request(f"Parameter {name} was given more than once.")
        given.setdefault(name, []).append(_checked(name, value, parameter))
    values = Values(given, method)
    _refuse_what_is_not_served(values)
    return values


def _refuse_what_is_not_served(values: Values) -> None:
    if values.text("alt") != "json":
        raise unserved(f"alt={values.text('alt')}")
    for name in ("callback", "uploadType", "upload_protocol"):
        if name in values.given:
            raise unserved(f"the parameter {name}")
    if len(values.text("quotaUser")) > 40:
        raise bad_request("Invalid value for quotaUser: at most 40 characters.")


def _checked(name: str, value: str, parameter: Parameter) -> str:
    shown = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if parameter.enum:
        known = {each.lower(): each for each in parameter.enum}
        if value.lower() not in known:
            raise bad_request(f"Invalid value at '{shown}' (TYPE_ENUM), \"{value}\"")
        return known[value.lower()]
    number = parameter.type == "integer" or parameter.format in _LARGEST
    if number and not (
        re.fullmatch(r"[0-9]{1,20}", value) and int(value) <= _LARGEST[parameter.format]
    ):
        kind = parameter.format.upper()
        raise bad_request(f"Invalid value at '{shown}' (TYPE_{kind}), \"{value}\"")
    if parameter.type == "boolean" and value.lower() not in {"true", "false", "1", "0"}:
        raise bad_request(f"Invalid value at '{shown}' (TYPE_BOOL), \"{value}\"")
    return value


def _is_true(text: str) -> bool:
    return text.lower() in {"true", "1"}
