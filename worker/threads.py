"""Which conversation each mail of a batch belongs to, and which conversations it joins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from models.queries import threads
from models.queries.storing import NewMail


@dataclass(slots=True)
class Forest:
    """A union-find over conversations; negative numbers are those that don't exist yet."""

    parent: dict[int, int] = field(default_factory=dict)

    def root(self, node: int) -> int:
        """Return the conversation that a node ended up in."""
        while (above := self.parent.get(node, node)) != node:
            self.parent[node] = self.parent.get(above, above)
            node = above
        return node

    def join(self, one: int, other: int) -> None:
        """Put two conversations together; the one that exists, and the older, stays."""
        one, other = self.root(one), self.root(other)
        if one != other:
            kept, gone = sorted((one, other), key=lambda node: (node < 0, abs(node)))
            self.parent[gone] = kept


def thread(
    connection: Connection,
    workspace_id: int,
    mails: Sequence[NewMail],
    own: Collection[bytes],
) -> list[int]:
    """Return each mail's conversation, made or merged as needed.

    Mails hang together by References and In-Reply-To, in either direction, if they share a
    party that isn't the workspace's own; a subject never joins anything (F13).
    """
    threads.hold_threads(connection, workspace_id)
    ids = {hash_ for mail in mails for hash_ in (*mail.references, mail.own_reference) if hash_}
    bears: dict[bytes, set[int]] = {}
    refers: dict[bytes, set[int]] = {}
    for conversation, hash_, is_own in threads.mails_referring(connection, ids):
        (bears if is_own else refers).setdefault(hash_, set()).add(conversation)
    stored = {c for found in (bears, refers) for some in found.values() for c in some}
    parties = threads.parties_of(connection, stored)
    forest = Forest({conversation: conversation for conversation in stored})
    for position, mail in enumerate(mails):
        node = -1 - position
        parties[node] = {hash_ for _, hash_, _ in mail.participants} - set(own)
        forest.parent[node] = node
        related = {c for hash_ in mail.references for c in bears.get(hash_, ())}
        # Mails that name this one's parent are siblings whose parent may never be stored.
        related |= {c for hash_ in mail.references for c in refers.get(hash_, ())}
        if mail.own_reference:
            related |= refers.get(mail.own_reference, set())
            related |= bears.get(mail.own_reference, set())
        for conversation in related:
            if parties[node] & parties[conversation]:
                forest.join(node, conversation)
        for hash_ in mail.references:
            refers.setdefault(hash_, set()).add(node)
        if mail.own_reference:
            bears.setdefault(mail.own_reference, set()).add(node)
    return settle(connection, workspace_id, forest, len(mails))


def settle(connection: Connection, workspace_id: int, forest: Forest, count: int) -> list[int]:
    """Make the new conversations, merge the joined ones, and return each mail's."""
    nodes = [-1 - position for position in range(count)]
    fresh = sorted({root for node in nodes if (root := forest.root(node)) < 0})
    made = dict(
        zip(
            fresh,
            threads.add_conversations(connection, workspace_id, len(fresh)),
            strict=True,
        )
    )
    merges = [
        (node, root)
        for node in list(forest.parent)
        if node > 0 and (root := forest.root(node)) != node
    ]
    threads.merge_conversations(connection, merges)
    return [made.get(root := forest.root(node), root) for node in nodes]
