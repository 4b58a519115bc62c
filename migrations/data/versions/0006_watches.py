"""Watches that providers keep for mailboxes, one row each, known by the secret of their rings.

Old code survives it: the table is new, and Gmail's rings go on as before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import open_to_system, wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailbox_watch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox_watch"),
        sa.UniqueConstraint("hash", name="uq_mailbox_watch_hash"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_mailbox_watch_workspace_id"
        ),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name="fk_mailbox_watch_mailbox_id"),
        comment="personal: dies with mailbox, workspace",
    )
    op.create_index("ix_mailbox_watch_mailbox_id", "mailbox_watch", ["mailbox_id"])
    wall("mailbox_watch")
    open_to_system({"mailbox_watch": ("SELECT", "UPDATE", "DELETE")})
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO leadmail_app, leadmail_system")


def downgrade() -> None:
    op.drop_table("mailbox_watch")
