"""The policy as an admin sets it: what is the workspace's own, what is blocked, what is capped.

A change acts on the past too: what is blocked now is purged, and what is allowed again is
searched for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mail.address import Address, Domain
from models.base import AnyRow
from models.queries import leads, policies
from models.queries import rules as queries
from privacy.contents import open_rule, seal_rule
from privacy.vault import WorkspaceKeys
from worker.boot import Service
from worker.consequences import Consequences
from worker.own import settle

OWN = ("own_address", "own_domain")
BLOCKED = ("blocked_address", "blocked_domain")
Named = tuple[str, bytes]
"""Kind and keyed hash of a rule."""


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """What a workspace has decided; addresses and domains in canonical spelling."""

    own_addresses: tuple[Address, ...]
    own_domains: tuple[Domain, ...]
    blocked_addresses: tuple[Address, ...]
    blocked_domains: tuple[Domain, ...]
    role_cap: int
    mirror_removals: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy of one workspace; `by` says who asks."""

    service: Service
    workspace_id: int
    by: str

    def show(self) -> PolicyTerms:
        """Return the policy in force."""
        keys = self.service.vault.workspace(self.workspace_id)
        with self.service.store.workspace(self.workspace_id) as connection:
            settings = queries.settings(connection, self.workspace_id)
            rows = queries.held(connection)
        texts: dict[str, list[str]] = {kind: [] for kind in (*OWN, *BLOCKED)}
        for row in rows:
            text = open_rule(keys.sealing, self.workspace_id, row.id, row.sealed)
            texts[row.kind].append(text)
        return PolicyTerms(
            own_addresses=tuple(map(Address, texts["own_address"])),
            own_domains=tuple(map(Domain, texts["own_domain"])),
            blocked_addresses=tuple(map(Address, texts["blocked_address"])),
            blocked_domains=tuple(map(Domain, texts["blocked_domain"])),
            role_cap=settings.role_cap,
            mirror_removals=settings.mirror_removals,
        )

    def put(self, terms: PolicyTerms) -> PolicyTerms:
        """Replace the policy and return it."""
        keys = self.service.vault.workspace(self.workspace_id)
        wanted = named(terms, keys)
        consequences = Consequences(self.service, self.workspace_id, self.by)
        with self.service.store.workspace(self.workspace_id) as connection:
            leads.hold_policy(connection, self.workspace_id)
            held = {(row.kind, row.hash): row for row in queries.held(connection)}
            gone = [row for rule, row in held.items() if rule not in wanted]
            new = [rule for rule in wanted if rule not in held]
            queries.remove(connection, [row.id for row in gone])
            ids = queries.draw_ids(connection, len(new))
            queries.add(
                connection,
                self.workspace_id,
                [
                    (id_, *rule, seal_rule(keys.sealing, self.workspace_id, id_, wanted[rule]))
                    for id_, rule in zip(ids, new, strict=True)
                ],
            )
            before = queries.settings(connection, self.workspace_id)
            queries.change_settings(
                connection,
                self.workspace_id,
                role_cap=terms.role_cap,
                mirror_removals=terms.mirror_removals,
            )
            self.act(connection, consequences, new, gone, cap=(before.role_cap, terms.role_cap))
        consequences.begin()
        return self.show()

    def act(
        self,
        connection: Connection,
        consequences: Consequences,
        new: Sequence[Named],
        gone: Sequence[AnyRow],
        cap: tuple[int, int],
    ) -> None:
        """Let the change act on what is stored and on what was passed over."""
        changed = {kind for kind, _ in new} | {row.kind for row in gone}
        cap_rose = cap[1] > cap[0]
        if not changed and not cap_rose:
            return
        version = policies.raise_version(connection, self.workspace_id)
        if "own_domain" in changed:
            settle(connection, consequences, None, "the workspace's own domains changed")
        elif "own_address" in changed:
            hashes = [hash_ for kind, hash_ in new if kind == "own_address"]
            hashes += [row.hash for row in gone if row.kind == "own_address"]
            settle(connection, consequences, hashes, "the workspace's own addresses changed")
        blocked = [hash_ for kind, hash_ in new if kind in BLOCKED]
        consequences.purge(blocked, "addresses were blocked", blocked=True)
        if any(row.kind in BLOCKED for row in gone):
            leads.search_again(connection, version)
            consequences.searches = True
        if cap_rose and leads.uncap(connection, version):
            consequences.searches = True


def named(terms: PolicyTerms, keys: WorkspaceKeys) -> dict[Named, str]:
    """Return the rules of a policy: kind and hash, and the text."""
    index = keys.index
    return {
        **{("own_address", index.address(one)): one for one in terms.own_addresses},
        **{("own_domain", index.domain(one)): one for one in terms.own_domains},
        **{("blocked_address", index.address(one)): one for one in terms.blocked_addresses},
        **{("blocked_domain", index.domain(one)): one for one in terms.blocked_domains},
    }
