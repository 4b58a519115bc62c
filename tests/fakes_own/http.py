"""Plain requests, without the certificates that httpx would read for each."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

_TLS = ssl.create_default_context()


def get(url: str, **given: Any) -> httpx.Response:
    """Get a page."""
    return httpx.get(url, verify=_TLS, trust_env=False, **given)


def post(url: str, **given: Any) -> httpx.Response:
    """Post a form (`data`) or JSON (`json`)."""
    return httpx.post(url, verify=_TLS, trust_env=False, **given)
