"""What a purge deletes, in chunks that hold no lock for long; children first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from models.bulk import one_of
from models.connect import ConnectAttempt, ConnectLink
from models.lead import Lead, LeadAddress, Tombstone
from models.mail import (
    Attachment,
    Conversation,
    Mail,
    MailRaw,
    Participant,
    Pending,
    Place,
    Reference,
)
from models.mailbox import Folder, Lease, Mailbox, MailboxGrant, MailboxWatch
from models.queries.matching import is_justified
from models.workspace import Change, PolicyRule

Removed = dict[str, int]
OF_MAIL = (MailRaw, Attachment, Reference, Participant, Place)
OF_MAILBOX = (Pending, Folder, Lease, MailboxGrant, MailboxWatch, ConnectAttempt, ConnectLink)


def give_way(connection: Connection) -> None:
    """Let this transaction fail rather than wait long for another's lock.

    Shorter than PostgreSQL's deadlock timeout of a second, so that in a deadlock with a
    worker it is always the purge that tries again.
    """
    connection.execute(text("SET LOCAL lock_timeout = '600ms'"))


def mails_of_mailbox(mailbox_id: int, limit: int) -> Select[int]:
    """Select ids of a mailbox's mails."""
    return select(Mail.id).where(Mail.mailbox_id == mailbox_id).limit(limit)


def mails_naming(hashes: Collection[bytes], limit: int) -> Select[int]:
    """Select ids of the mails that name any of the addresses or domains."""
    return select(Mail.id).where(party_is(names_any(hashes))).limit(limit)


def mails_without_lead(hashes: Collection[bytes], limit: int) -> Select[int]:
    """Select ids of the mails that name any of the addresses or domains and no lead any more."""
    return mails_naming(hashes, limit).where(~is_justified())


def mails_blocked(hashes: Collection[bytes], limit: int) -> Select[int]:
    """Select ids of the mails that name any of the addresses or domains that are blocked still."""
    blocked = exists(
        select(1).where(
            PolicyRule.hash.in_(hashes),
            or_(
                and_(
                    PolicyRule.kind == "blocked_address",
                    PolicyRule.hash == Participant.address_hash,
                ),
                and_(
                    PolicyRule.kind == "blocked_domain",
                    PolicyRule.hash == Participant.domain_hash,
                ),
            ),
        )
    )
    return select(Mail.id).where(party_is(and_(names_any(hashes), blocked))).limit(limit)


def names_any(hashes: Collection[bytes]) -> ColumnElement[bool]:
    """Return the condition that a participant bears any of the addresses or domains."""
    return or_(Participant.address_hash.in_(hashes), Participant.domain_hash.in_(hashes))


def party_is(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that some participant of the mail is such a one."""
    return Mail.id.in_(select(Participant.mail_id).where(condition))


def delete_mails(connection: Connection, workspace_id: int, mail_ids: Sequence[int]) -> Removed:
    """Delete mails with all that hangs on them; tell the CRM; return how many rows went.

    A mail whose twin in another mailbox stays is not reported as removed. The conversations
    that are left empty go by `delete_empty_conversations`.
    """
    removed: Removed = {}
    gone = select(Mail.twin).where(Mail.id == one_of(mail_ids)).distinct().subquery()
    stays = exists(
        select(1).where(
            Mail.workspace_id == workspace_id,
            Mail.twin == gone.c.twin,
            ~(Mail.id == one_of(mail_ids)),
        )
    )
    connection.execute(
        insert(Change).from_select(
            ["workspace_id", "kind", "subject"],
            select(
                literal(workspace_id),
                literal("message.removed"),
                func.encode(gone.c.twin, "hex"),
            ).where(~stays),
        )
    )
    for table in OF_MAIL:
        rows = connection.execute(delete(table).where(table.mail_id == one_of(mail_ids)))
        removed[table.__tablename__] = rows.rowcount
    rows = connection.execute(delete(Mail).where(Mail.id == one_of(mail_ids)))
    removed["mail"] = rows.rowcount
    return removed


def conversations_after(connection: Connection, after: int, limit: int) -> list[int]:
    """Return ids above `after` of conversations that were not merged into another."""
    return list(
        connection.scalars(
            select(Conversation.id)
            .where(Conversation.id > after, Conversation.merged_into.is_(None))
            .order_by(Conversation.id)
            .limit(limit)
        )
    )


def empty_among(connection: Connection, conversation_ids: Sequence[int]) -> list[int]:
    """Return those of the conversations that hold no mail.

    Two sets are compared here, not joined there: just after an import, before PostgreSQL has
    statistics, it joined them by comparing each with all (measured: minutes instead of 30 ms).
    """
    held = set(
        connection.scalars(
            select(Mail.conversation_id).where(Mail.conversation_id == one_of(conversation_ids))
        )
    )
    return [id_ for id_ in conversation_ids if id_ not in held]


def delete_empty_conversations(connection: Connection, ids: Sequence[int]) -> Removed:
    """Delete those of the conversations that hold no mail, and what was merged into them.

    The caller holds the workspace's threads (`threads.hold_threads`): nobody puts a mail into
    one of them meanwhile.
    """
    empty = empty_among(connection, ids)
    merged = connection.execute(
        delete(Conversation).where(Conversation.merged_into == one_of(empty))
    ).rowcount
    own = connection.execute(
        delete(Conversation).where(
            Conversation.id == one_of(empty), Conversation.merged_into.is_(None)
        )
    ).rowcount
    return {"conversation": merged + own}


def delete_mailbox(connection: Connection, mailbox_id: int) -> Removed:
    """Delete a mailbox, whose mails are gone, with all that hangs on it."""
    # Whoever is about to take a lease on it waits, and then finds it gone.
    connection.execute(select(Mailbox.id).where(Mailbox.id == mailbox_id).with_for_update())
    removed: Removed = {}
    for table in OF_MAILBOX:
        rows = connection.execute(delete(table).where(table.mailbox_id == mailbox_id))
        removed[table.__tablename__] = rows.rowcount
    rows = connection.execute(delete(Mailbox).where(Mailbox.id == mailbox_id))
    removed["mailbox"] = rows.rowcount
    return removed


def delete_lead(connection: Connection, lead_id: int) -> Removed:
    """Delete a lead with its addresses."""
    addresses = connection.execute(delete(LeadAddress).where(LeadAddress.lead_id == lead_id))
    lead = connection.execute(delete(Lead).where(Lead.id == lead_id))
    return {"lead_address": addresses.rowcount, "lead": lead.rowcount}


def bury(connection: Connection, workspace_id: int, hashes: Collection[bytes]) -> None:
    """Put tombstones for addresses: no mail that names one is ever stored again."""
    if hashes:
        connection.execute(
            upsert(Tombstone).on_conflict_do_nothing(),
            [{"workspace_id": workspace_id, "hash": hash_} for hash_ in hashes],
        )


def leads_known_only_by(connection: Connection, hashes: Collection[bytes]) -> list[int]:
    """Return ids of the leads that have one of the addresses, and no other address or domain."""
    buried = and_(LeadAddress.kind == "address", LeadAddress.hash.in_(hashes))
    return list(
        connection.scalars(
            select(LeadAddress.lead_id)
            .group_by(LeadAddress.lead_id)
            .having(func.bool_and(buried))
            .where(
                LeadAddress.lead_id.in_(select(LeadAddress.lead_id).where(buried)),
            )
            .order_by(LeadAddress.lead_id)
        )
    )


def take_from_leads(connection: Connection, hashes: Collection[bytes]) -> Removed:
    """Take addresses from all leads."""
    rows = connection.execute(
        delete(LeadAddress).where(LeadAddress.kind == "address", LeadAddress.hash.in_(hashes))
    )
    return {"lead_address": rows.rowcount}
