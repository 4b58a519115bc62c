"""Speaks to a running service as the CRM does: over HTTP, with a key."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

SECONDS = 60


class Refused(Exception):
    """The service answered with a problem; the text is its status and type."""


@dataclass(frozen=True, slots=True)
class Api:
    """The HTTP API at a URL, for the holder of a key."""

    url: str
    key: str

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the JSON that a call answers with.

        Raises:
            Refused: It answered with a problem.
            OSError: It can't be reached.
        """
        parts = urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else (http.client.HTTPConnection)
        )
        connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            content = None if body is None else orjson.dumps(body)
            connection.request(method, parts.path + path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        value: dict[str, Any] = orjson.loads(text) if text else {}
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(f"{method} {path}: {answer.status} {value.get('type', '')}")
        return value
