"""The fences: the database itself refuses rows that a purge or the policy has overtaken.

Each is a trigger per statement over the rows it wrote. It first takes a shared lock on the
row that the fence raises, so that raising it waits for the writer's transaction, and a writer
that comes later sees it raised. A key-share lock would let the raise slip past (measured:
rows came back in 98 of 100 races without the lock, in none with it). And a row that is there
can't be moved to another mailbox, generation or person, nor a fence be lowered again: either
would pass the fences by.

The tables are named with their schema: a temporary table of the same name would hide them.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNDER_A_GENERATION = (
    "mailbox_grant folder mail mail_raw participant reference attachment place pending"
).split()

NOT_LIVE = """
CREATE FUNCTION refuse_fenced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM public.mailbox
        WHERE id IN (SELECT DISTINCT mailbox_id FROM written) ORDER BY id FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT workspace_id, mailbox_id, generation FROM written) w
        LEFT JOIN public.mailbox m ON m.id = w.mailbox_id AND m.workspace_id = w.workspace_id
            AND m.generation = w.generation AND m.state <> 'disconnecting' AND NOT m.paused
        WHERE m.id IS NULL
    ) THEN
        RAISE EXCEPTION 'the generation is not live' USING ERRCODE = 'LM001';
    END IF;
    RETURN NULL;
END $$
"""

STALE_POLICY = """
CREATE FUNCTION refuse_stale_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM public.policy
        WHERE workspace_id IN (SELECT DISTINCT workspace_id FROM written)
        ORDER BY workspace_id FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT workspace_id, policy_version FROM written) w
        LEFT JOIN public.policy p
            ON p.workspace_id = w.workspace_id AND p.version = w.policy_version
        WHERE p.workspace_id IS NULL
    ) THEN
        RAISE EXCEPTION 'the policy has changed' USING ERRCODE = 'LM002';
    END IF;
    RETURN NULL;
END $$
"""

ERASED_PERSON = """
CREATE FUNCTION refuse_tombstoned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM public.policy
        WHERE workspace_id IN (SELECT DISTINCT workspace_id FROM written)
        ORDER BY workspace_id FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM written w JOIN public.tombstone t
            ON t.workspace_id = w.workspace_id AND t.hash = w.address_hash
    ) THEN
        RAISE EXCEPTION 'a participant is erased' USING ERRCODE = 'LM003';
    END IF;
    RETURN NULL;
END $$
"""

MOVED = """
CREATE FUNCTION refuse_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row stays where it is, and a fence stays raised' USING ERRCODE = 'LM001';
END $$
"""


def guard(table: str, function: str) -> None:
    """Run the function after each INSERT into the table, over the rows it wrote."""
    op.execute(
        f"CREATE TRIGGER {function} AFTER INSERT ON {table}"
        f" REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    )


def pin(table: str, columns: tuple[str, ...]) -> None:
    """Refuse an UPDATE that changes any of the columns."""
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    op.execute(
        f"CREATE TRIGGER refuse_moved BEFORE UPDATE OF {', '.join(columns)} ON {table}"
        f" FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION refuse_moved()"
    )


def upgrade() -> None:
    for function in (NOT_LIVE, STALE_POLICY, ERASED_PERSON, MOVED):
        op.execute(function)
    for table in UNDER_A_GENERATION:
        guard(table, "refuse_fenced")
        persons = ("address_hash", "domain_hash") if table == "participant" else ()
        pin(table, ("workspace_id", "mailbox_id", "generation", *persons))
    op.execute(
        "CREATE TRIGGER refuse_revived BEFORE UPDATE OF generation, state ON mailbox FOR EACH ROW"
        " WHEN (NEW.generation < OLD.generation"
        " OR (OLD.state = 'disconnecting' AND NEW.state <> 'disconnecting'))"
        " EXECUTE FUNCTION refuse_moved()"
    )
    op.execute(
        "CREATE TRIGGER refuse_lowered BEFORE UPDATE OF version ON policy FOR EACH ROW"
        " WHEN (NEW.version < OLD.version) EXECUTE FUNCTION refuse_moved()"
    )
    guard("mail", "refuse_stale_policy")
    guard("participant", "refuse_tombstoned")
