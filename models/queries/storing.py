"""Storing a batch of mails by a handful of statements, whatever its size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from sqlalchemy import (
    Connection,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from models.base import AnyRow
from models.bulk import insert_columns
from models.lead import LeadAddress
from models.mail import (
    Attachment,
    Mail,
    MailRaw,
    Participant,
    Place,
    Reference,
)
from models.workspace import Activity, Workspace

STATEMENT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """An attachment's row."""

    part: str
    size: int
    inline: bool
    sealed: bytes


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail and all rows that hang on it, sealed; nothing of it is in clear."""

    id: int
    folder_id: int
    ref: str
    twin: bytes
    fingerprint: bytes
    object_hash: bytes | None
    outbound: bool
    sent_at: datetime
    received_at: datetime
    size: int
    own_reference: bytes | None
    references: tuple[bytes, ...]
    participants: frozenset[tuple[str, bytes, bytes]]
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    raw: Sequence[bytes] = field(repr=False)
    attachments: tuple[NewAttachment, ...] = ()


class GroundColumns(TypedDict):
    """The columns that are equal in all rows of a batch."""

    workspace_id: list[int]
    mailbox_id: list[int]
    generation: list[int]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every row of a batch stands on."""

    workspace_id: int
    mailbox_id: int
    generation: int

    def columns(self, count: int) -> GroundColumns:
        """Return the columns that are equal in all rows."""
        return {
            "workspace_id": [self.workspace_id] * count,
            "mailbox_id": [self.mailbox_id] * count,
            "generation": [self.generation] * count,
        }


def draw_ids(connection: Connection, count: int) -> list[int]:
    """Draw ids for new mails; they are bound into what is sealed before it is stored."""
    return list(
        connection.scalars(
            select(func.nextval("mail_id_seq")).select_from(func.generate_series(1, count))
        )
    )


def add_mails(
    connection: Connection,
    ground: Ground,
    policy_version: int,
    mails: Sequence[NewMail],
    conversations: Sequence[int],
) -> None:
    """Insert mails, each in its conversation, with everything that hangs on them.

    Raises:
        Fenced, PolicyChanged, PersonErased: The database's fences refused the batch.
    """
    insert_columns(
        connection,
        Mail,
        **ground.columns(len(mails)),
        id=[mail.id for mail in mails],
        policy_version=[policy_version] * len(mails),
        conversation_id=conversations,
        twin=[mail.twin for mail in mails],
        fingerprint=[mail.fingerprint for mail in mails],
        object_hash=[mail.object_hash for mail in mails],
        outbound=[mail.outbound for mail in mails],
        sent_at=[mail.sent_at for mail in mails],
        received_at=[mail.received_at for mail in mails],
        size=[mail.size for mail in mails],
        head=[mail.head for mail in mails],
        body=[mail.body for mail in mails],
    )
    for chunks in weighed([(m.id, n, sealed) for m in mails for n, sealed in enumerate(m.raw)]):
        insert_columns(
            connection,
            MailRaw,
            **ground.columns(len(chunks)),
            mail_id=[chunk[0] for chunk in chunks],
            chunk=[chunk[1] for chunk in chunks],
            sealed=[chunk[2] for chunk in chunks],
        )
    parties = [(m.id, *party) for m in mails for party in m.participants]
    insert_columns(
        connection,
        Participant,
        **ground.columns(len(parties)),
        mail_id=[party[0] for party in parties],
        role=[party[1] for party in parties],
        address_hash=[party[2] for party in parties],
        domain_hash=[party[3] for party in parties],
    )
    references = [
        (m.id, hash_, hash_ == m.own_reference)
        for m in mails
        for hash_ in {*m.references, *([m.own_reference] if m.own_reference else [])}
    ]
    insert_columns(
        connection,
        Reference,
        **ground.columns(len(references)),
        mail_id=[reference[0] for reference in references],
        hash=[reference[1] for reference in references],
        own=[reference[2] for reference in references],
    )
    files = [(m.id, file) for m in mails for file in m.attachments]
    insert_columns(
        connection,
        Attachment,
        **ground.columns(len(files)),
        mail_id=[mail_id for mail_id, _ in files],
        part=[file.part for _, file in files],
        size=[file.size for _, file in files],
        inline=[file.inline for _, file in files],
        sealed=[file.sealed for _, file in files],
    )
    insert_columns(
        connection,
        Place,
        **ground.columns(len(mails)),
        folder_id=[mail.folder_id for mail in mails],
        mail_id=[mail.id for mail in mails],
        ref=[mail.ref for mail in mails],
    )


def weighed(
    chunks: Iterable[tuple[int, int, bytes]],
) -> Iterator[list[tuple[int, int, bytes]]]:
    """Cut into statements of a few megabytes: the driver copies a statement more than once."""
    some: list[tuple[int, int, bytes]] = []
    weight = 0
    for chunk in chunks:
        some.append(chunk)
        weight += len(chunk[2])
        if weight >= STATEMENT_BYTES:
            yield some
            some, weight = [], 0
    if some:
        yield some


def twins_held(connection: Connection, mailbox_id: int, twins: Collection[bytes]) -> set[bytes]:
    """Return those of the twins that the mailbox holds a copy of already."""
    return set(
        connection.scalars(
            select(Mail.twin).where(Mail.mailbox_id == mailbox_id, Mail.twin.in_(twins))
        )
    )


@dataclass(frozen=True, slots=True)
class Account:
    """Whose mails are counted: keyed hashes of user and address, and the sealed user."""

    user_hash: bytes
    address_hash: bytes
    sealed_user: bytes


def count_activity(
    connection: Connection,
    ground: Ground,
    account: Account,
    days: Iterable[tuple[int, int, int]],
) -> None:
    """Add sent and received mails to a user's days (days since 1970-01-01, UTC)."""
    rows = [
        {
            "workspace_id": ground.workspace_id,
            "user_hash": account.user_hash,
            "account_hash": account.address_hash,
            "incarnation": ground.mailbox_id,
            "sealed_user": account.sealed_user,
            "day": day,
            "sent": sent,
            "received": received,
        }
        for day, sent, received in days
    ]
    if rows:
        new = insert(Activity)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=list(Activity.__table__.primary_key),
                set_={
                    "sent": Activity.sent + new.excluded.sent,
                    "received": Activity.received + new.excluded.received,
                },
            ),
            rows,
        )


def role_cap(connection: Connection, workspace_id: int) -> int:
    """Return how many mails a role address may gather."""
    return connection.execute(
        select(Workspace.role_cap).where(Workspace.id == workspace_id)
    ).scalar_one()


def overfull_roles(connection: Connection, hashes: Collection[bytes], cap: int) -> Sequence[AnyRow]:
    """Return id and lead of role addresses, among the hashes, that have reached the cap."""
    gathered = (
        select(func.count())
        .select_from(Participant)
        .where(
            Participant.workspace_id == LeadAddress.workspace_id,
            Participant.address_hash == LeadAddress.hash,
        )
        .scalar_subquery()
    )
    return connection.execute(
        select(LeadAddress.id, LeadAddress.lead_id).where(
            LeadAddress.role,
            ~LeadAddress.capped,
            LeadAddress.hash.in_(hashes),
            gathered >= cap,
        )
    ).all()


def cap(connection: Connection, lead_address_ids: Collection[int]) -> None:
    """Let role addresses match no further mail."""
    connection.execute(
        update(LeadAddress).where(LeadAddress.id.in_(lead_address_ids)).values(capped=True)
    )
