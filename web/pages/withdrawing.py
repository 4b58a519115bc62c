"""Where a person withdraws at the provider what they agreed to there."""

from __future__ import annotations

from collections.abc import Collection

MICROSOFT = (
    ("Microsoft 365", "myapps.microsoft.com"),
    ("Outlook.com", "account.live.com/consent/Manage"),
)
PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "gmail": (("Google", "myaccount.google.com/connections"),),
    "graph": MICROSOFT,
    "outlook-imap": MICROSOFT,
}

WITHDRAWN_BY_US = frozenset({"gmail"})
"""The providers that let us take back a person's consent; elsewhere only the person can."""


def withdrawals(providers: Collection[str]) -> list[tuple[str, str]]:
    """Return the pages of providers: what each is called, and its address, each once."""
    return list(dict.fromkeys(page for one in providers for page in PAGES.get(one, ())))
