"""The two roles that the service speaks as, and the walls between workspaces (invariant 13).

`leadmail_app` sees one workspace: the one that its transaction named. `leadmail_system` sees
what is due in all of them, and no mail. Neither owns a table, so neither can pass the walls;
a transaction that names no workspace gets an error, not everything.

Policies are per command: one FOR ALL would let its USING widen every SELECT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alembic import op

MINE = "(SELECT current_setting('leadmail.workspace')::bigint)"


def create_roles() -> None:
    """Create the two roles where they don't exist, and let the migrating user take them."""
    for role in ("leadmail_app", "leadmail_system"):
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was migrated at the same time
            END $$
            """
        )
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                    EXECUTE format('GRANT {role} TO %I', current_user);
                END IF;
            END $$
            """
        )
    op.execute("GRANT USAGE ON SCHEMA public TO leadmail_app, leadmail_system")


def wall(table: str, column: str = "workspace_id") -> None:
    """Let `leadmail_app` see and touch only the rows of the workspace it named."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO leadmail_app")
    mine = f"{column} = {MINE}"
    for command, rule in {
        "SELECT": f"USING ({mine})",
        "INSERT": f"WITH CHECK ({mine})",
        "UPDATE": f"USING ({mine}) WITH CHECK ({mine})",
        "DELETE": f"USING ({mine})",
    }.items():
        op.execute(
            f"CREATE POLICY {table}_app_{command.lower()} ON {table}"
            f" FOR {command} TO leadmail_app {rule}"
        )


def open_to_system(rights: Mapping[str, Iterable[str]]) -> None:
    """Give `leadmail_system` the named commands on the named tables, over all workspaces."""
    for table, commands in rights.items():
        for command in commands:
            rule = {
                "SELECT": "USING (true)",
                "INSERT": "WITH CHECK (true)",
                "UPDATE": "USING (true) WITH CHECK (true)",
                "DELETE": "USING (true)",
            }[command]
            op.execute(f"GRANT {command} ON {table} TO leadmail_system")
            op.execute(
                f"CREATE POLICY {table}_system_{command.lower()} ON {table}"
                f" FOR {command} TO leadmail_system {rule}"
            )


def keep_uncompressed(columns: Iterable[tuple[str, str]]) -> None:
    """Tell PostgreSQL not to try to compress ciphertext: it can't, and tries for long."""
    for table, column in columns:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
