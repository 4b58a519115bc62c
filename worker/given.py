"""Addresses and domains as people write them, in their canonical spelling or refused by field."""

from __future__ import annotations

from collections.abc import Iterable

from mail.address import Address, Domain, canonical, canonical_domain
from worker.refused import Unacceptable


def given_address(field: str, text: str) -> Address:
    """Return the address.

    Raises:
        Unacceptable: It is none.
    """
    address = canonical(text)
    if address is None:
        raise Unacceptable(field, "is not a mail address")
    return address


def given_addresses(field: str, texts: Iterable[str]) -> tuple[Address, ...]:
    """Return the addresses, each once, in their order.

    Raises:
        Unacceptable: One of them is none; the field is named with its position.
    """
    found = (given_address(f"{field}.{n}", text) for n, text in enumerate(texts))
    return tuple(dict.fromkeys(found))


def given_domains(field: str, texts: Iterable[str]) -> tuple[Domain, ...]:
    """Return the domains, each once, in their order; a leading @ is allowed.

    Raises:
        Unacceptable: One of them is none, or has a single label.
    """
    found: dict[Domain, None] = {}
    for position, text in enumerate(texts):
        domain = canonical_domain(text.strip().removeprefix("@"))
        if domain is None or "." not in domain:
            raise Unacceptable(f"{field}.{position}", "is not a domain")
        found[domain] = None
    return tuple(found)
