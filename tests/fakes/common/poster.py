"""Sends what a provider sends of its own accord, to endpoints on loopback, past any proxy."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping

WAITS_SECONDS = 10


def post(url: str, body: bytes, headers: Mapping[str, str], ca_file: str | None = None) -> int:
    """Send a body and return the status; 0 when nobody answered."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _NoRedirect()]
    if url.startswith("https:"):
        context = ssl.create_default_context(cafile=ca_file)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.OpenerDirector()
    for handler in (*handlers, urllib.request.HTTPHandler(), urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    request = urllib.request.Request(url, body, dict(headers), method="POST")
    try:
        with opener.open(request, timeout=WAITS_SECONDS) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, http.client.HTTPException):
        return 0


class _NoRedirect(urllib.request.HTTPDefaultErrorHandler):
    """Any other status is an answer as well."""
