"""The policy's version and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, and_, func, literal, or_, select, update

from models.base import AnyRow
from models.lead import LeadAddress, Tombstone
from models.mailbox import Mailbox, State
from models.workspace import Policy, PolicyRule


def raise_version(connection: Connection, workspace_id: int) -> int:
    """Raise and return the policy's version; waits for every open writer of mail.

    What the same transaction changes afterwards belongs to the new version.
    """
    return connection.execute(
        update(Policy)
        .where(Policy.workspace_id == workspace_id)
        .values(version=Policy.version + 1)
        .returning(Policy.version)
    ).scalar_one()


def version(connection: Connection, workspace_id: int, *, hold: bool = False) -> int:
    """Return the policy's version; with `hold`, keep it from being raised until commit."""
    query = select(Policy.version).where(Policy.workspace_id == workspace_id)
    if hold:
        query = query.with_for_update(read=True)
    return connection.execute(query).scalar_one()


def lead_hashes(connection: Connection) -> Sequence[Row[str, bytes, bool]]:
    """Return kind, hash and whether it is capped, of all that matches a lead."""
    return connection.execute(
        select(LeadAddress.kind, LeadAddress.hash, LeadAddress.capped).where(
            LeadAddress.inert.is_(None)
        )
    ).all()


def rules(connection: Connection) -> Sequence[Row[str, bytes]]:
    """Return kind and hash of the workspace's rules."""
    return connection.execute(select(PolicyRule.kind, PolicyRule.hash)).all()


def tombstones(connection: Connection) -> set[bytes]:
    """Return the hashes of all erased addresses."""
    return set(connection.scalars(select(Tombstone.hash)))


def own_addresses(connection: Connection) -> set[bytes]:
    """Return the hashes of the addresses of all connected mailboxes."""
    connected = Mailbox.state != State.DISCONNECTING
    return set(connection.scalars(select(Mailbox.address_hash).where(connected)))


def lead_addresses_since(
    connection: Connection, after: tuple[int, int], limit: int
) -> Sequence[AnyRow]:
    """Return active lead addresses after a position (policy version, id), in that order."""
    version, id_ = after
    return connection.execute(
        select(
            LeadAddress.id,
            LeadAddress.lead_id,
            LeadAddress.kind,
            LeadAddress.sealed,
            LeadAddress.added_version,
        )
        .where(
            or_(
                LeadAddress.added_version > version,
                and_(LeadAddress.added_version == version, LeadAddress.id > id_, literal(id_) > 0),
            ),
            LeadAddress.inert.is_(None),
        )
        .order_by(LeadAddress.added_version, LeadAddress.id)
        .limit(limit)
    ).all()


def count_lead_addresses(connection: Connection, after_version: int) -> int:
    """Return how many active lead addresses came after a policy version."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(LeadAddress)
            .where(LeadAddress.added_version > after_version, LeadAddress.inert.is_(None))
        )
        or 0
    )
