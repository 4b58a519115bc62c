"""Who answers a consent page in place of a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Consent:
    """The answer that a test ordered."""

    address: str | None = None
    """The account; when not set, the one of `login_hint`, else the only one."""
    scopes: frozenset[str] | None = None
    """What is granted of what was asked; all when not set."""
    is_denied: bool = False
