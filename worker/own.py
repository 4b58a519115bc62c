"""Which lead addresses match nothing, because they are the workspace's own or many people's.

The colleagues of a workspace write to each other all day: an address of theirs on a lead must
not bring that mail in. A domain that anyone can have an address at names nobody (F16).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from mail.address import Address, Domain, domain_of
from mail.freemail import is_shared_domain
from models.queries import leads, policies
from privacy.contents import open_lead_address
from privacy.vault import Index
from worker.consequences import Consequences
from worker.shown import Reason

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Own:
    """Keyed hashes of the workspace's own addresses and domains."""

    index: Index
    addresses: frozenset[bytes]
    domains: frozenset[bytes]

    @classmethod
    def of(cls, connection: Connection, index: Index) -> Own:
        """Read them: the rules, and the addresses of the connected mailboxes."""
        rules = policies.rules(connection)
        return cls(
            index,
            frozenset(hash_ for kind, hash_ in rules if kind == "own_address")
            | policies.own_addresses(connection),
            frozenset(hash_ for kind, hash_ in rules if kind == "own_domain"),
        )

    def why_inert(self, kind: str, text: str) -> Reason | None:
        """Return why a canonical address or domain of a lead matches nothing, or None."""
        if kind == "domain":
            if self.index.domain(text) in self.domains:
                return "own"
            return "shared_domain" if is_shared_domain(Domain(text)) else None
        address = Address(text)
        if self.index.address(address) in self.addresses:
            return "own"
        return "own" if self.index.domain(domain_of(address)) in self.domains else None


def settle(
    connection: Connection,
    consequences: Consequences,
    hashes: Collection[bytes] | None,
    reference: str,
) -> None:
    """Let lead addresses match or not, as own addresses and domains now stand.

    The caller holds the policy. Only those that bear one of the hashes are looked at; None
    means all. What ceases to match is purged, what begins to is searched for.
    """
    workspace, vault = consequences.workspace_id, consequences.service.vault
    own = Own.of(connection, vault.workspace(workspace).index)
    silenced: dict[str, list[int]] = {}
    woken: list[int] = []
    lost: set[bytes] = set()
    after = 0
    while rows := leads.address_page(connection, hashes, after, ROWS_AT_ONCE):
        after = rows[-1].id
        keys = vault.lead_keys(workspace, {row.lead_id for row in rows})
        for row in rows:
            if row.lead_id not in keys:
                continue
            text = open_lead_address(keys[row.lead_id], workspace, row.id, row.sealed)
            reason = own.why_inert(row.kind, text)
            if reason == row.inert:
                continue
            if reason is None:
                woken.append(row.id)
            else:
                silenced.setdefault(reason, []).append(row.id)
                if row.inert is None:
                    lost.add(row.hash)
    if not silenced and not woken:
        return
    version = policies.raise_version(connection, workspace)
    for why, ids in silenced.items():
        leads.make_inert(connection, ids, why)
    leads.activate(connection, woken, version)
    consequences.purge(lost, reference)
    consequences.searches |= bool(woken)


def settle_held(consequences: Consequences, hashes: Collection[bytes], reference: str) -> None:
    """Settle lead addresses in a transaction of its own, and begin what follows."""
    workspace = consequences.workspace_id
    with consequences.service.store.workspace(workspace) as connection:
        leads.hold_policy(connection, workspace)
        settle(connection, consequences, hashes, reference)
    consequences.begin()
