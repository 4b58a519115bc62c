"""Schema migrations of both databases, by alembic."""
