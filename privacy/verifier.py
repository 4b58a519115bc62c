"""Counts what is left of something erased, over every store; only it may certify.

It shares no list of tables with the purge: it asks each database's own catalogue which tables
could hold a row, so a table that the purge has forgotten is counted too. A table's comment
says how it dies; those that outlive an erasure say why. What can't be counted counts as one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, text

from models.base import AnyRow
from models.store import Store
from privacy.scope import Scope

Residue = dict[str, int]
CountElsewhere = Callable[[AnyRow], Mapping[str, int]]

COLUMNS = text(
    """
    SELECT n.nspname AS schema, c.relname AS name, a.attname AS column,
      format_type(a.atttypid, NULL) AS type,
      has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition
      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND coalesce(obj_description(c.oid, 'pg_class'), '') NOT LIKE 'impersonal:%'
      AND (a.attname = :column
        OR (n.nspname = 'public' AND c.relname = :table AND a.attname = 'id'))
    ORDER BY 1, 2, 3
    """
)

STILL_NAMED = text(
    """
    SELECT count(DISTINCT p.mail_id) FROM participant p
    WHERE (p.address_hash = ANY(:hashes) OR p.domain_hash = ANY(:hashes))
      AND CASE CAST(:scope AS text)
      WHEN 'address' THEN true
      WHEN 'block' THEN EXISTS (
        SELECT 1 FROM policy_rule r
        WHERE r.workspace_id = p.workspace_id AND r.hash = ANY(:hashes)
          AND r.hash = CASE r.kind WHEN 'blocked_address' THEN p.address_hash
                                   WHEN 'blocked_domain' THEN p.domain_hash END)
      ELSE NOT EXISTS (
        SELECT 1 FROM participant q JOIN lead_address a
          ON a.workspace_id = q.workspace_id AND a.inert IS NULL
         AND a.hash = CASE a.kind WHEN 'domain' THEN q.domain_hash ELSE q.address_hash END
        WHERE q.mail_id = p.mail_id)
      END
    """
)

CONVERSATIONS = text(
    """
    SELECT id FROM conversation WHERE id > :after AND merged_into IS NULL
    ORDER BY id LIMIT 10000
    """
)

# Compared here, not joined there: without statistics the join takes minutes.
HOLDING = text("SELECT DISTINCT conversation_id FROM mail WHERE conversation_id = ANY(:ids)")

KEYED_MAILBOXES = text("SELECT mailbox_id FROM mailbox_key ORDER BY mailbox_id")

KEYS = text(
    """
    SELECT mail_id FROM message_key
    WHERE mailbox_id = :mailbox AND mail_id > :after AND created_at < :before
    ORDER BY mail_id LIMIT 10000
    """
)

STILL_KEYED = text("SELECT mail_id FROM message_key WHERE mail_id = ANY(:mails)")

STORED = text("SELECT id FROM mail WHERE id = ANY(:mails)")


class Verifier:
    """Counts residue in the data database, the vault and wherever else it is told to.

    An import in flight has keys whose mails aren't stored yet; `patience` is how long they
    are given to become mails or to go.
    """

    def __init__(
        self,
        store: Store,
        vault: Store,
        elsewhere: CountElsewhere,
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self.store = store
        self.vault = vault
        self.elsewhere = elsewhere
        self.patience = patience

    def count(self, order: AnyRow) -> Residue:
        """Return what is left, by "store.table.column"; all of it must be zero."""
        residue: Residue = {}
        for name, store in (("data", self.store), ("vault", self.vault)):
            with store.workspace(order.workspace_id) as connection:
                for found, left in count_rows(connection, order).items():
                    residue[f"{name}.{found}"] = left
        residue["data.conversation"] = self.count_empty_conversations(order)
        if order.hashes:
            values = {"hashes": list(order.hashes), "scope": str(order.scope)}
            with self.store.workspace(order.workspace_id) as connection:
                residue["data.participant"] = connection.scalar(STILL_NAMED, values) or 0
            residue["vault.message_key"] = self.count_keys_of_nothing(order)
        residue |= self.elsewhere(order)
        return residue

    def count_empty_conversations(self, order: AnyRow) -> int:
        """Count the workspace's conversations that hold no mail."""
        empty, after = 0, 0
        while True:
            with self.store.workspace(order.workspace_id) as connection:
                page = list(connection.scalars(CONVERSATIONS, {"after": after}))
                if not page:
                    return empty
                held = set(connection.scalars(HOLDING, {"ids": page}))
            empty, after = empty + len(page) - len(held), page[-1]

    def count_keys_of_nothing(self, order: AnyRow) -> int:
        """Count the keys made before the order whose mail isn't there, nor is being stored."""
        left = [mail for page in self.keys(order) for mail in self.unstored(order, page)]
        until = time.monotonic() + self.patience.total_seconds()
        while left and time.monotonic() < until:
            time.sleep(self.patience.total_seconds() / 20)
            with self.vault.workspace(order.workspace_id) as vault:
                left = list(vault.scalars(STILL_KEYED, {"mails": left}))
            left = self.unstored(order, left)
        return len(left)

    def keys(self, order: AnyRow) -> Iterator[list[int]]:
        """Yield the mails whose keys are older than the order, page by page."""
        with self.vault.workspace(order.workspace_id) as vault:
            mailboxes = list(vault.scalars(KEYED_MAILBOXES))
        for mailbox in mailboxes:
            after = 0
            while True:
                values = {"mailbox": mailbox, "after": after, "before": order.requested_at}
                with self.vault.workspace(order.workspace_id) as vault:
                    page = list(vault.scalars(KEYS, values))
                if not page:
                    break
                yield page
                after = page[-1]

    def unstored(self, order: AnyRow, mails: Sequence[int]) -> list[int]:
        """Return those of the mails that are not stored."""
        with self.store.workspace(order.workspace_id) as connection:
            stored = set(connection.scalars(STORED, {"mails": list(mails)}))
        return [mail for mail in mails if mail not in stored]


def count_rows(connection: Connection, order: AnyRow) -> Residue:
    """Count the rows that bear the id of the mailbox or leads, in every table that could."""
    if order.scope == Scope.MAILBOX:
        owner, targets = "mailbox", {order.mailbox_id}
    else:
        owner, targets = "lead", {*order.leads, order.lead_id} - {None}
    if not targets:
        return {}
    residue: Residue = {}
    found = connection.execute(COLUMNS, {"column": f"{owner}_id", "table": owner}).all()
    for table in found:
        schema = "" if table.schema == "public" else f"{table.schema}."
        name = f"{schema}{table.name}.{table.column}"
        residue[name] = count_in(connection, table, targets) if table.readable else 1
    return residue


def count_in(connection: Connection, table: AnyRow, targets: set[int]) -> int:
    """Count the rows of a table that bear any of the ids, whatever type it keeps them in."""
    place = f"{quoted(table.schema)}.{quoted(table.name)}"
    column, kind = quoted(table.column), table.type
    if kind not in ("smallint", "integer", "bigint"):
        column, kind = f"CAST({column} AS text)", "text"
    # The names come from the catalogue, never from a caller.
    query = f"SELECT count(*) FROM {place} WHERE {column} = ANY(CAST(:ids AS {kind}[]))"  # noqa: S608
    return connection.scalar(text(query), {"ids": [str(target) for target in targets]}) or 0


def quoted(name: str) -> str:
    """Return a name as SQL writes it, safe inside SQLAlchemy's text."""
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'
