"""PURE: which of the found mails are fetched, and how a folder's past is best looked through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connectors.base import Envelope, MessageRef
from mail.address import Address
from mail.matching import Match, Party, Policy, Skip, decide

PartyOf = Callable[[Address], Party]
"""Turns an address into the keyed hashes that the policy knows it by."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Each envelope is in exactly one half; the skipped ones with their reason."""

    fetch: tuple[Envelope, ...]
    skip: tuple[tuple[MessageRef, Skip], ...]


def plan(found: Iterable[Envelope], policy: Policy, party_of: PartyOf) -> Plan:
    """Divide the envelopes into what concerns a lead and what doesn't (invariant 4)."""
    fetch: list[Envelope] = []
    skip: list[tuple[MessageRef, Skip]] = []
    for envelope in found:
        addresses = (*envelope.sender, *envelope.recipients, *envelope.reply_to)
        decided = decide([party_of(address) for address in addresses], policy)
        if isinstance(decided, Match):
            fetch.append(envelope)
        else:
            skip.append((envelope.ref, decided))
    return Plan(tuple(fetch), tuple(skip))


class Approach(StrEnum):
    """How the past of a folder is looked through for mail of some addresses."""

    SCAN = "scan"
    SEARCH = "search"


NEAR = timedelta(milliseconds=5)
SCAN_NEAR = timedelta(microseconds=35)
SCAN_FAR = timedelta(microseconds=250)
SEARCH_THOUSAND_ADDRESSES = timedelta(microseconds=700)
"""A timedelta knows no part of a microsecond: that of one address would be none at all."""
SEARCH_LEAST = timedelta(microseconds=8)
ADDRESSES_A_COMMAND = 40


def choose(addresses: int, messages: int, round_trip: timedelta) -> Approach:
    """Choose the cheaper of listing all headers and asking the server for the addresses.

    Costs per message as measured (`docs/performance.md`): a listing moves some 500 bytes of
    headers, which is nothing near the server and most of the cost behind a slow line; a
    search moves nothing, but the server reads every header for every address.
    """
    far = round_trip > NEAR
    scan = messages * (SCAN_FAR if far else SCAN_NEAR)
    commands = -(-addresses // ADDRESSES_A_COMMAND)
    reading = SEARCH_LEAST + SEARCH_THOUSAND_ADDRESSES * addresses / 1000
    search = messages * reading + commands * round_trip
    return Approach.SEARCH if search < scan else Approach.SCAN
