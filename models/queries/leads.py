"""Leads and what makes a mail theirs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, update

from models.base import AnyRow
from models.bulk import insert_columns
from models.lead import Lead, LeadAddress, Tombstone
from models.workspace import Policy

NewLead = tuple[int, bytes, bytes]
"""Id, hash of the CRM's id, sealed card."""
NewAddress = tuple[int, int, str, bytes, bytes, bool, str | None]
"""Id, lead, kind, hash, sealed text, whether it is a role's, why it matches nothing."""


def hold_policy(connection: Connection, workspace_id: int) -> int:
    """Keep everyone else from changing what concerns a lead until commit; return the version.

    Writers of mail wait too, so what is changed under it is either before them or after.
    """
    return connection.execute(
        select(Policy.version).where(Policy.workspace_id == workspace_id).with_for_update()
    ).scalar_one()


def draw_lead_ids(connection: Connection, count: int) -> list[int]:
    """Draw ids for new leads, which their sealed columns are bound to."""
    return draw(connection, "lead_id_seq", count)


def draw_address_ids(connection: Connection, count: int) -> list[int]:
    """Draw ids for new lead addresses."""
    return draw(connection, "lead_address_id_seq", count)


def draw(connection: Connection, sequence: str, count: int) -> list[int]:
    """Draw ids from a sequence."""
    return list(
        connection.scalars(
            select(func.nextval(sequence)).select_from(func.generate_series(1, count))
        )
    )


def by_hash(connection: Connection, hashes: Collection[bytes]) -> dict[bytes, AnyRow]:
    """Return the leads that bear these CRM ids, by the id's hash."""
    rows = connection.execute(
        select(Lead.id, Lead.hash, Lead.sealed, Lead.updated_at).where(Lead.hash.in_(hashes))
    )
    return {row.hash: row for row in rows}


def page(connection: Connection, after: int, limit: int) -> Sequence[AnyRow]:
    """Return leads above an id, in order of id."""
    return connection.execute(
        select(Lead.id, Lead.hash, Lead.sealed, Lead.updated_at)
        .where(Lead.id > after)
        .order_by(Lead.id)
        .limit(limit)
    ).all()


def sealed_by_id(connection: Connection, lead_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return id and sealed card of leads."""
    return connection.execute(select(Lead.id, Lead.sealed).where(Lead.id.in_(lead_ids))).all()


def addresses(connection: Connection, lead_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return all addresses and domains of leads, in the order they came."""
    return connection.execute(
        select(
            LeadAddress.id,
            LeadAddress.lead_id,
            LeadAddress.kind,
            LeadAddress.hash,
            LeadAddress.sealed,
            LeadAddress.capped,
            LeadAddress.inert,
        )
        .where(LeadAddress.lead_id.in_(lead_ids))
        .order_by(LeadAddress.id)
    ).all()


def add(connection: Connection, workspace_id: int, rows: Sequence[NewLead]) -> None:
    """Insert leads."""
    insert_columns(
        connection,
        Lead,
        id=[row[0] for row in rows],
        workspace_id=[workspace_id] * len(rows),
        hash=[row[1] for row in rows],
        sealed=[row[2] for row in rows],
    )


def rewrite(connection: Connection, sealed: Sequence[tuple[int, bytes]]) -> None:
    """Replace the cards of leads; an empty sequence changes nothing."""
    if sealed:
        connection.execute(
            update(Lead)
            .where(Lead.id == bindparam("row"))
            .values(sealed=bindparam("card"), updated_at=func.now()),
            [{"row": row, "card": card} for row, card in sealed],
        )


def touch(connection: Connection, lead_ids: Collection[int]) -> None:
    """Say that leads have changed."""
    connection.execute(update(Lead).where(Lead.id.in_(lead_ids)).values(updated_at=func.now()))


def add_addresses(
    connection: Connection, workspace_id: int, version: int, rows: Sequence[NewAddress]
) -> None:
    """Insert addresses and domains that came with a policy version."""
    insert_columns(
        connection,
        LeadAddress,
        id=[row[0] for row in rows],
        workspace_id=[workspace_id] * len(rows),
        lead_id=[row[1] for row in rows],
        kind=[row[2] for row in rows],
        hash=[row[3] for row in rows],
        sealed=[row[4] for row in rows],
        role=[row[5] for row in rows],
        capped=[False] * len(rows),
        inert=[row[6] for row in rows],
        added_version=[version] * len(rows),
    )


def remove_addresses(connection: Connection, ids: Collection[int]) -> None:
    """Delete addresses and domains."""
    connection.execute(delete(LeadAddress).where(LeadAddress.id.in_(ids)))


def erased(connection: Connection, hashes: Collection[bytes]) -> set[bytes]:
    """Return those of the hashes that are of erased addresses."""
    return set(connection.scalars(select(Tombstone.hash).where(Tombstone.hash.in_(hashes))))


def still_matching(connection: Connection, hashes: Collection[bytes]) -> set[bytes]:
    """Return those of the hashes that are of an active address or domain of some lead."""
    return set(
        connection.scalars(
            select(LeadAddress.hash).where(
                LeadAddress.hash.in_(hashes), LeadAddress.inert.is_(None)
            )
        )
    )


def address_page(
    connection: Connection, hashes: Collection[bytes] | None, after: int, limit: int
) -> Sequence[AnyRow]:
    """Return lead addresses and domains above an id, sealed, in order of id.

    Only those that bear one of the hashes, unless it is None.
    """
    query = (
        select(
            LeadAddress.id,
            LeadAddress.lead_id,
            LeadAddress.kind,
            LeadAddress.hash,
            LeadAddress.sealed,
            LeadAddress.inert,
        )
        .where(LeadAddress.id > after)
        .order_by(LeadAddress.id)
        .limit(limit)
    )
    if hashes is not None:
        query = query.where(LeadAddress.hash.in_(hashes))
    return connection.execute(query).all()


def make_inert(connection: Connection, ids: Collection[int], reason: str) -> None:
    """Let addresses match nothing any more, and say why."""
    connection.execute(update(LeadAddress).where(LeadAddress.id.in_(ids)).values(inert=reason))


def activate(connection: Connection, ids: Collection[int], version: int) -> None:
    """Let addresses match, from this version on; the past is searched for them."""
    connection.execute(
        update(LeadAddress).where(LeadAddress.id.in_(ids)).values(inert=None, added_version=version)
    )


def search_again(connection: Connection, version: int) -> None:
    """Have the past searched for all active addresses, for mail that was refused before."""
    connection.execute(
        update(LeadAddress).where(LeadAddress.inert.is_(None)).values(added_version=version)
    )


def uncap(connection: Connection, version: int) -> int:
    """Let capped role addresses take mail again; return how many did."""
    return connection.execute(
        update(LeadAddress).where(LeadAddress.capped).values(capped=False, added_version=version)
    ).rowcount
