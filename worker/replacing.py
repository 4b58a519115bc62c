"""Replacing leads by what the CRM says now: what came, what went, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from mail.address import Address
from mail.freemail import is_role_address
from models.base import AnyRow
from models.queries import leads as queries
from models.queries import policies
from privacy.contents import LeadCard, open_lead, seal_lead, seal_lead_address
from privacy.vault import Key, WorkspaceKeys
from worker.boot import Service
from worker.consequences import Consequences
from worker.own import Own
from worker.shown import Ignored, LeadGiven, LeadShown, Reason

Named = tuple[int, str, bytes]
"""Lead, kind (address or domain) and keyed hash."""


@dataclass(slots=True)
class Replacement:
    """One replacement of leads, in a transaction that holds the policy."""

    service: Service
    connection: Connection
    keys: WorkspaceKeys
    consequences: Consequences
    lead_keys: dict[int, Key] = field(default_factory=dict)
    reasons: dict[Named, Reason] = field(default_factory=dict)

    @property
    def workspace_id(self) -> int:
        """The workspace whose leads they are."""
        return self.consequences.workspace_id

    def replace(self, given: Mapping[bytes, LeadGiven]) -> list[LeadShown]:
        """Create or replace leads, by the hashes of their ids; return them in that order."""
        held = queries.by_hash(self.connection, given.keys())
        ids = {hash_: row.id for hash_, row in held.items()}
        fresh = [hash_ for hash_ in given if hash_ not in held]
        ids.update(zip(fresh, queries.draw_lead_ids(self.connection, len(fresh)), strict=True))
        self.lead_keys = self.service.vault.lead_keys(
            self.workspace_id, [row.id for row in held.values()]
        ) | self.service.vault.make_lead_keys(self.workspace_id, [ids[hash_] for hash_ in fresh])
        queries.add(
            self.connection,
            self.workspace_id,
            [(ids[hash_], hash_, self.card(ids[hash_], given[hash_])) for hash_ in fresh],
        )
        self.rewrite_cards(held, given)
        named = {
            (ids[hash_], kind, named): text
            for hash_, one in given.items()
            for kind, named, text in self.named(one)
        }
        self.exchange_addresses([row.id for row in held.values()], named)
        return [self.shown(ids[hash_], one) for hash_, one in given.items()]

    def rewrite_cards(self, held: Mapping[bytes, AnyRow], given: Mapping[bytes, LeadGiven]) -> None:
        """Seal the cards of leads whose name is another now."""
        changed = []
        for hash_, row in held.items():
            known = open_lead(self.lead_keys[row.id], self.workspace_id, row.id, row.sealed)
            if known != LeadCard(given[hash_].id, given[hash_].name):
                changed.append((row.id, self.card(row.id, given[hash_])))
        queries.rewrite(self.connection, changed)

    def exchange_addresses(self, lead_ids: list[int], wanted: Mapping[Named, str]) -> None:
        """Take away addresses that are not given any more, and add those that are new."""
        rows = {
            (row.lead_id, row.kind, row.hash): row
            for row in queries.addresses(self.connection, lead_ids)
        }
        erased = queries.erased(self.connection, {hash_ for _, _, hash_ in wanted})
        gone = [row for named, row in rows.items() if named not in wanted]
        new = [named for named in wanted if named not in rows and named[2] not in erased]
        self.remember_reasons(rows, wanted, new, erased)
        active = [named for named in new if named not in self.reasons]
        lost = {row.hash for row in gone if row.inert is None}
        version = 0
        if active or lost:
            version = policies.raise_version(self.connection, self.workspace_id)
        queries.remove_addresses(self.connection, [row.id for row in gone])
        ids = queries.draw_address_ids(self.connection, len(new))
        queries.add_addresses(
            self.connection,
            self.workspace_id,
            version,
            [self.address(id_, one, wanted[one]) for id_, one in zip(ids, new, strict=True)],
        )
        queries.touch(self.connection, {row.lead_id for row in gone} | {one[0] for one in new})
        lost -= queries.still_matching(self.connection, lost)
        self.consequences.purge(lost, "addresses were taken from leads")
        self.consequences.searches |= bool(active)

    def remember_reasons(
        self,
        rows: Mapping[Named, AnyRow],
        wanted: Mapping[Named, str],
        new: list[Named],
        erased: set[bytes],
    ) -> None:
        """Note why addresses match nothing, for the rows that are written and for the answer."""
        own = Own.of(self.connection, self.keys.index)
        for one in new:
            reason = own.why_inert(one[1], wanted[one])
            if reason is not None:
                self.reasons[one] = reason
        for one, row in rows.items():
            if row.inert is not None or row.capped:
                self.reasons[one] = row.inert or "role_capped"
        for one in wanted:
            if one[2] in erased:
                self.reasons[one] = "erased"

    def named(self, one: LeadGiven) -> Iterator[tuple[str, bytes, str]]:
        """Yield kind, hash and text of what a lead is known by."""
        for address in one.addresses:
            yield "address", self.keys.index.address(address), address
        for domain in one.domains:
            yield "domain", self.keys.index.domain(domain), domain

    def card(self, lead_id: int, one: LeadGiven) -> bytes:
        """Return a lead's sealed card."""
        card = LeadCard(one.id, one.name)
        return seal_lead(self.lead_keys[lead_id], self.workspace_id, lead_id, card)

    def address(self, id_: int, one: Named, text: str) -> queries.NewAddress:
        """Return the row of a new address or domain."""
        lead, kind, hash_ = one
        sealed = seal_lead_address(self.lead_keys[lead], self.workspace_id, id_, text)
        is_role = kind == "address" and is_role_address(Address(text))
        return id_, lead, kind, hash_, sealed, is_role, self.reasons.get(one)

    def shown(self, lead_id: int, one: LeadGiven) -> LeadShown:
        """Return a lead as it is kept now; an erased address isn't kept."""
        texts: dict[str, list[str]] = {"address": [], "domain": []}
        ignored = []
        for kind, hash_, text in self.named(one):
            reason = self.reasons.get((lead_id, kind, hash_))
            if reason != "erased":
                texts[kind].append(text)
            if reason is not None:
                ignored.append(Ignored(text, reason))
        return LeadShown(
            one.id, one.name, tuple(texts["address"]), tuple(texts["domain"]), tuple(ignored)
        )
