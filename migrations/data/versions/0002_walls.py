"""Roles, row-level security and storage of ciphertext."""

from __future__ import annotations

from alembic import op

from migrations.walls import create_roles, keep_uncompressed, open_to_system, wall

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OF_A_WORKSPACE = (
    "policy policy_rule api_key sign_in idempotent_answer change activity lead lead_address"
    " tombstone mailbox mailbox_grant lease folder conversation mail mail_raw participant"
    " reference attachment place pending tally"
).split()

SYSTEM = {
    "workspace": ("SELECT", "INSERT"),
    "policy": ("SELECT", "INSERT"),
    "api_key": ("SELECT", "INSERT", "UPDATE"),
    "sign_in": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "idempotent_answer": ("SELECT", "DELETE"),
    "change": ("SELECT", "DELETE"),
    "mailbox": ("SELECT", "UPDATE"),
    "folder": ("SELECT",),
    "lead_address": ("SELECT",),
    "lease": ("SELECT", "INSERT", "UPDATE"),
    "pending": ("SELECT",),
}


def upgrade() -> None:
    create_roles()
    wall("workspace", "id")
    for table in OF_A_WORKSPACE:
        wall(table)
    open_to_system(SYSTEM)
    keep_uncompressed([("mail", "head"), ("mail", "body"), ("mail_raw", "sealed")])
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO leadmail_app, leadmail_system")
