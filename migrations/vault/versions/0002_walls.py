"""Roles and row-level security of the vault."""

from __future__ import annotations

from alembic import op

from migrations.walls import create_roles, open_to_system, wall

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_roles()
    for table in ("workspace_key", "mailbox_key", "message_key", "lead_key", "erasure"):
        wall(table)
    op.execute("ALTER TABLE signing_key ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE signing_key FORCE ROW LEVEL SECURITY")
    open_to_system(
        {
            "signing_key": ("SELECT", "INSERT"),
            "erasure": ("SELECT", "UPDATE"),
            "message_key": ("SELECT", "DELETE"),
        }
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO leadmail_app, leadmail_system")
