"""What a test can tell the stand-in, over HTTP as well: every public method, called by JSON.

`POST /control/METHOD` calls a method of the stand-in, `POST /control/accounts/ADDRESS/METHOD` one
of its `Person`; the body holds the arguments by name, bytes in base64, durations in seconds.
`GET /control` names them all.
"""

from __future__ import annotations

import base64
import inspect
import typing
import urllib.parse
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import orjson
from pydantic import ConfigDict, ValidationError, create_model

from tests.fakes.common.wire import JSON_TYPE, Answer, Call, json_answer, not_found

_CONFIG = ConfigDict(extra="forbid", val_json_bytes="base64", arbitrary_types_allowed=True)
_PRIVATE = {"close"}


class Refused(Exception):
    """A provider's refusal, as far as an order is concerned."""

    message: str


class Hand(Protocol):
    """What one account is held by."""

    @property
    def identity(self) -> dict[str, str]:
        """The address and the ids by which it is known."""
        ...


class Told(Protocol):
    """What takes orders: every public method of it."""

    def account(self, address: str) -> Hand:
        """Return the hand on an account."""
        ...


class Control:
    """Calls methods by the paths that name them."""

    def __init__(self, told: Told, person: type) -> None:
        self._told = told
        self._person = person

    def answer(self, call: Call) -> Answer:
        """Do what was asked and answer what the method returned."""
        parts = [urllib.parse.unquote(part) for part in call.path.split("/")[2:] if part]
        if not parts:
            return json_answer(self._names())
        try:
            target: object = self._told
            if parts[0] == "accounts" and len(parts) == 3:
                target = self._told.account(parts[1])
            elif len(parts) != 1:
                return not_found()
            method = _methods(target).get(parts[-1])
            if method is None:
                return not_found()
            # Counters and environments may be looked at without a body.
            return _result(method(**_arguments(method, call.body or b"{}")))
        except (AssertionError, KeyError, ValidationError, ValueError) as wrong:
            return json_answer({"error": str(wrong)}, 400)
        except Refused as refused:
            return json_answer({"error": refused.message}, 400)

    def _names(self) -> dict[str, list[str]]:
        return {
            "/control": sorted(
                f"{name}{_shown(each)}" for name, each in _methods(self._told).items()
            ),
            "/control/accounts/ADDRESS": sorted(
                f"{name}{inspect.signature(each)}"
                for name, each in inspect.getmembers(self._person, inspect.isfunction)
                if not name.startswith("_")
            ),
        }


def _methods(target: object) -> dict[str, Callable[..., object]]:
    return {
        name: method
        for name, method in inspect.getmembers(target, inspect.ismethod)
        if not name.startswith("_") and name not in _PRIVATE
    }


def _shown(method: Callable[..., object]) -> str:
    return str(inspect.signature(method))


def _arguments(method: Callable[..., object], body: bytes) -> dict[str, object]:
    hints = typing.get_type_hints(method)
    asked = {
        name: (hints[name], ... if each.default is inspect.Parameter.empty else each.default)
        for name, each in inspect.signature(method).parameters.items()
    }
    made = create_model("Arguments", __config__=_CONFIG, **asked)  # type: ignore[call-overload]  # the names are known only here
    read = made.model_validate_json(body)
    return {name: getattr(read, name) for name in asked}


def _result(value: object) -> Answer:
    body = orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2)
    return Answer(200, body, {"content-type": JSON_TYPE})


def _plain(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if identity := getattr(value, "identity", None):
        return identity
    raise TypeError(f"{type(value)} has no JSON")
