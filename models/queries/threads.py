"""Which conversation a mail belongs to: found by its references, joined, never split."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, LargeBinary, any_, bindparam, case, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from models.base import AnyRow
from models.mail import Conversation, Mail, Participant, Reference

THREADS = 0x7EAD


def add_conversations(connection: Connection, workspace_id: int, count: int) -> list[int]:
    """Insert empty conversations and return their ids."""
    if not count:
        return []
    return list(
        connection.scalars(
            insert(Conversation)
            .from_select(
                ["workspace_id"],
                select(bindparam("workspace", workspace_id)).select_from(
                    func.generate_series(1, count)
                ),
            )
            .returning(Conversation.id)
        )
    )


def hold_threads(connection: Connection, workspace_id: int) -> None:
    """Let one transaction of the workspace thread mails at a time, until it commits.

    Two mails of one thread that are stored at once would else each begin a conversation.
    """
    connection.execute(
        text("SELECT pg_advisory_xact_lock(:space, hashtext(:workspace))"),
        {"space": THREADS, "workspace": str(workspace_id)},
    )


def mails_referring(connection: Connection, hashes: Collection[bytes]) -> Sequence[AnyRow]:
    """Return conversation and reference hash of stored mails that bear or name any of them."""
    return connection.execute(
        select(Mail.conversation_id, Reference.hash, Reference.own)
        .join(Mail, Mail.id == Reference.mail_id)
        .where(Reference.hash == any_(bindparam("hashes", list(hashes), ARRAY(LargeBinary))))
        .distinct()
    ).all()


def parties_of(connection: Connection, conversation_ids: Collection[int]) -> dict[int, set[bytes]]:
    """Return the address hashes of the parties of conversations."""
    rows = connection.execute(
        select(Mail.conversation_id, Participant.address_hash)
        .join(Participant, Participant.mail_id == Mail.id)
        .where(Mail.conversation_id.in_(conversation_ids))
        .distinct()
    )
    parties: dict[int, set[bytes]] = {id_: set() for id_ in conversation_ids}
    for conversation, hash_ in rows:
        parties[conversation].add(hash_)
    return parties


def conversations_of(connection: Connection, mail_ids: Collection[int]) -> list[int]:
    """Return ids of the conversations that the mails are in."""
    return list(
        connection.scalars(select(Mail.conversation_id).where(Mail.id.in_(mail_ids)).distinct())
    )


def merge_conversations(connection: Connection, merges: Sequence[tuple[int, int]]) -> None:
    """Move the mails of conversations into others: pairs of from and into.

    What was merged into the former now leads to the latter as well.
    """
    if not merges:
        return
    into = case(dict(merges), value=Mail.conversation_id)
    gone = [old for old, _ in merges]
    connection.execute(
        update(Mail).where(Mail.conversation_id.in_(gone)).values(conversation_id=into)
    )
    for old, kept in merges:
        connection.execute(
            update(Conversation)
            .where((Conversation.id == old) | (Conversation.merged_into == old))
            .values(merged_into=kept)
        )
