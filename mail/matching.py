"""PURE: the one function that decides whether a mail concerns a lead (invariant 4).

It sees keyed hashes only. Backfill, push, poll, search and retry all come here, once by the
envelope and once more by the whole mail, at the one point where mail is stored (F20).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Party(NamedTuple):
    """Someone a mail names: the keyed hashes of the address and of its domain."""

    address: bytes
    domain: bytes


class Skip(StrEnum):
    """Why a mail isn't stored."""

    NO_LEAD = "no lead"
    BLOCKED = "blocked"
    ERASED = "erased"
    ROLE_CAPPED = "role capped"


@dataclass(frozen=True, slots=True)
class Match:
    """The hashes of the lead addresses and lead domains that a mail is stored for."""

    hashes: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Policy:
    """What concerns a lead in one workspace, as keyed hashes.

    Own addresses and domains never match. A blocked or erased party keeps the whole mail
    out, whoever else it names: what may not be stored about one person can't be stored in
    another's conversation either. A capped role address matches nothing new (F16).
    """

    lead_addresses: frozenset[bytes] = frozenset()
    lead_domains: frozenset[bytes] = frozenset()
    own_addresses: frozenset[bytes] = frozenset()
    own_domains: frozenset[bytes] = frozenset()
    blocked_addresses: frozenset[bytes] = frozenset()
    blocked_domains: frozenset[bytes] = frozenset()
    capped: frozenset[bytes] = frozenset()
    erased: frozenset[bytes] = frozenset()

    def is_own(self, party: Party) -> bool:
        """Tell whether the party belongs to the workspace."""
        return party.address in self.own_addresses or party.domain in self.own_domains


def decide(parties: Collection[Party], policy: Policy) -> Match | Skip:
    """Return what the mail is stored for, or why it isn't; total, and the order is fixed."""
    matched: set[bytes] = set()
    capped = False
    for party in parties:
        if party.address in policy.erased:
            return Skip.ERASED
    for party in parties:
        if party.address in policy.blocked_addresses or party.domain in policy.blocked_domains:
            return Skip.BLOCKED
        if policy.is_own(party):
            continue
        if party.address in policy.lead_addresses:
            if party.address in policy.capped:
                capped = True
            else:
                matched.add(party.address)
        if party.domain in policy.lead_domains:
            matched.add(party.domain)
    if matched:
        return Match(frozenset(matched))
    return Skip.ROLE_CAPPED if capped else Skip.NO_LEAD
