"""A workspace's policy as it stands, loaded once per version."""

from __future__ import annotations

from threading import Lock

from sqlalchemy import Connection

from mail.address import Address, domain_of
from mail.matching import Party, Policy
from models.queries import policies
from models.store import Store
from privacy.vault import Index

KEPT_VERSIONS = 32


class Policies:
    """Loads policies; the last few stay in memory, as keyed hashes only."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lock = Lock()
        self.kept: dict[tuple[int, int], Policy] = {}

    def current(self, workspace_id: int) -> tuple[int, Policy]:
        """Return the version in force and its policy."""
        with self.store.workspace(workspace_id) as connection:
            version = policies.version(connection, workspace_id, hold=True)
            kept = self.kept.get((workspace_id, version))
            if kept is not None:
                return version, kept
            policy = load(connection)
        with self.lock:
            self.kept[workspace_id, version] = policy
            while len(self.kept) > KEPT_VERSIONS:
                del self.kept[next(iter(self.kept))]
        return version, policy


def load(connection: Connection) -> Policy:
    """Read the policy; the caller's transaction holds its version."""
    addresses: set[bytes] = set()
    domains: set[bytes] = set()
    capped: set[bytes] = set()
    for kind, hash_, is_capped in policies.lead_hashes(connection):
        (domains if kind == "domain" else addresses).add(hash_)
        if is_capped:
            capped.add(hash_)
    rules: dict[str, set[bytes]] = {}
    for kind, hash_ in policies.rules(connection):
        rules.setdefault(kind, set()).add(hash_)
    return Policy(
        lead_addresses=frozenset(addresses),
        lead_domains=frozenset(domains),
        own_addresses=frozenset(
            rules.get("own_address", set()) | policies.own_addresses(connection)
        ),
        own_domains=frozenset(rules.get("own_domain", ())),
        blocked_addresses=frozenset(rules.get("blocked_address", ())),
        blocked_domains=frozenset(rules.get("blocked_domain", ())),
        capped=frozenset(capped),
        erased=frozenset(policies.tombstones(connection)),
    )


class Parties:
    """Turns addresses into the hashes that one workspace's policy knows; remembers them."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.known: dict[Address, Party] = {}

    def __call__(self, address: Address) -> Party:
        """Return the hashes of an address and of its domain."""
        party = self.known.get(address)
        if party is None:
            party = Party(self.index.address(address), self.index.domain(domain_of(address)))
            if len(self.known) < 100_000:
                self.known[address] = party
        return party
