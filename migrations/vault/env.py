"""Alembic's entry for the vault."""

import models.vault  # noqa: F401  (imported so that its tables are known)
from migrations.environment import run
from models.base import VaultBase

run(VaultBase.metadata)
