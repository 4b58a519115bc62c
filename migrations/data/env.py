"""Alembic's entry for the data database."""

import models.lead
import models.mail
import models.tally  # noqa: F401  (imported so that their tables are known)
from migrations.environment import run
from models.base import Base

run(Base.metadata)
