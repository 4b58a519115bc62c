"""When a mailbox whose units are spent goes on, and when its push notifications are renewed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailbox", sa.Column("push_hash", sa.LargeBinary(), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_mailbox_push_hash", "mailbox", ["push_hash"], postgresql_concurrently=True
        )
    for name in ("paced_until", "watch_due_at"):
        op.add_column("mailbox", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("watch_due_at", "paced_until"):
        op.drop_column("mailbox", name)
    op.drop_column("mailbox", "push_hash")
