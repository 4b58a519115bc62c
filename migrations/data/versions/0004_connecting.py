"""Connecting by OAuth: return addresses, links, attempts, delegations, security events.

Old code survives it: the tables are new, and so are the columns, which may be null.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import open_to_system, wall

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OF_A_WORKSPACE = ("integration", "connect_link", "connect_attempt", "delegation")
SYSTEM = {
    "integration": ("SELECT", "INSERT", "UPDATE"),
    "connect_link": ("SELECT", "DELETE"),
    "connect_attempt": ("SELECT", "UPDATE", "DELETE"),
    "security_event": ("SELECT", "INSERT", "DELETE"),
}


def when(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """Return a column of times."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def of_workspace(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    """Return the column that says whose a row is."""
    return (
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=f"fk_{table}_workspace_id"
        ),
    )


def of_mailbox(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    """Return the column that says for which mailbox a row is, if for one that is there."""
    return (
        sa.Column("mailbox_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=f"fk_{table}_mailbox_id"),
    )


def created(name: str = "created_at") -> sa.Column[object]:
    """Return a column of times that the database fills in."""
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def identity() -> sa.Column[object]:
    """Return a column of ids."""
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def sealed(name: str = "sealed") -> sa.Column[object]:
    """Return a column of bytes: ciphertext, or a keyed hash."""
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "integration",
        *of_workspace("integration"),
        sealed(),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_integration"),
        comment="personal: dies with workspace",
    )
    op.create_table(
        "delegation",
        identity(),
        *of_workspace("delegation"),
        sa.Column("provider", sa.String(), nullable=False),
        sealed(),
        created(),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
        comment="personal: dies with workspace",
    )
    op.create_table(
        "connect_link",
        identity(),
        *of_workspace("connect_link"),
        *of_mailbox("connect_link"),
        sealed("hash"),
        sealed(),
        when("expires_at"),
        created(),
        sa.PrimaryKeyConstraint("id", name="pk_connect_link"),
        sa.UniqueConstraint("hash", name="uq_connect_link_hash"),
        comment="personal: dies with mailbox, workspace",
    )
    op.create_table(
        "connect_attempt",
        identity(),
        *of_workspace("connect_attempt"),
        *of_mailbox("connect_attempt"),
        sa.Column("provider", sa.String(), nullable=False),
        sealed("hash"),
        sealed("browser"),
        sealed(),
        when("expires_at"),
        when("answered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_connect_attempt"),
        sa.UniqueConstraint("hash", name="uq_connect_attempt_hash"),
        comment="personal: dies with mailbox, workspace",
    )
    op.create_table(
        "security_event",
        sealed("hash"),
        created("heard_at"),
        sa.PrimaryKeyConstraint("hash", name="pk_security_event"),
        comment="impersonal: a hash of an event's random id; kept for the time that one may be"
        " repeated",
    )
    op.create_index("ix_delegation_workspace_id", "delegation", ["workspace_id"])
    for table in ("connect_link", "connect_attempt"):
        for column in ("workspace_id", "mailbox_id", "expires_at"):
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.add_column("mailbox", sa.Column("subject_hash", sa.LargeBinary(), nullable=True))
    op.add_column("mailbox", sa.Column("delegation_id", sa.BigInteger(), nullable=True))
    op.add_column("mailbox_grant", sa.Column("token_hash", sa.LargeBinary(), nullable=True))
    op.create_foreign_key(
        "fk_mailbox_delegation_id", "mailbox", "delegation", ["delegation_id"], ["id"]
    )
    for table in OF_A_WORKSPACE:
        wall(table)
    op.execute("ALTER TABLE security_event ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE security_event FORCE ROW LEVEL SECURITY")
    open_to_system(SYSTEM)
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO leadmail_app, leadmail_system")
    index_what_is_there()


def index_what_is_there() -> None:
    """Index the columns of tables that hold rows, without keeping writers from them."""
    with op.get_context().autocommit_block():
        for name, table, column, where in (
            ("ix_mailbox_subject", "mailbox", "subject_hash", "subject_hash IS NOT NULL"),
            ("ix_mailbox_delegation_id", "mailbox", "delegation_id", None),
            ("ix_mailbox_grant_token", "mailbox_grant", "token_hash", "token_hash IS NOT NULL"),
        ):
            op.create_index(
                name,
                table,
                [column],
                postgresql_where=None if where is None else sa.text(where),
                postgresql_concurrently=True,
                if_not_exists=True,
            )
