"""Sends what a provider sends of its own accord, to endpoints on loopback, past any proxy."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

WAITS = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answered; a status of 0 when nobody did in time."""

    status: int
    content_type: str = ""
    body: bytes = b""


def post(url: str, body: bytes, headers: Mapping[str, str], ca_file: str | None = None) -> int:
    """Send a body and return the status; 0 when nobody answered."""
    return exchange(url, body, headers, ca_file).status


def exchange(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    ca_file: str | None = None,
    within: timedelta = WAITS,
) -> Reply:
    """Send a body and return what came back in time."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _NoRedirect()]
    if url.startswith("https:"):
        context = ssl.create_default_context(cafile=ca_file)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.OpenerDirector()
    for handler in (*handlers, urllib.request.HTTPHandler(), urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    request = urllib.request.Request(url, body, dict(headers), method="POST")
    try:
        with opener.open(request, timeout=within.total_seconds()) as response:
            kind = response.headers.get("content-type", "")
            return Reply(int(response.status), kind, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code)
    except (OSError, http.client.HTTPException):
        return Reply(0)


class _NoRedirect(urllib.request.HTTPDefaultErrorHandler):
    """Any other status is an answer as well."""
