"""Values as JSON and back, also those of broken mails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from privacy.vault import Key, Place, unseal


def pack(value: Mapping[str, Any]) -> bytes:
    """Return the value as JSON; half characters of broken mails become question marks."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(whole(value))


def unpack(key: Key, place: Place, sealed: bytes) -> Any:
    """Return the JSON value that was sealed at a place."""
    return orjson.loads(unseal(key, place, sealed))


def whole(value: Any) -> Any:
    """Return the value with every lone surrogate, which UTF-8 can't write, replaced."""
    if isinstance(value, str):
        return encoded(value).decode()
    if isinstance(value, Mapping):
        return {whole(name): whole(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [whole(inner) for inner in value]
    return value


def encoded(text: str) -> bytes:
    """Return UTF-8, with lone surrogates replaced."""
    return text.encode("utf-8", "replace")


def moment(value: datetime | None) -> str | None:
    """Return a time as JSON keeps it."""
    return None if value is None else value.isoformat()


def when(value: str | None) -> datetime | None:
    """Return the time that JSON kept."""
    return None if value is None else datetime.fromisoformat(value)
