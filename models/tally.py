"""How many rows an erasure has removed so far, counted in the transactions that removed them."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Big, Impersonal


class Tally(Base):
    """Rows removed from one table by one erasure; a crash between two notes loses none.

    `what` is the table's name, a step that may be taken once, or a mail whose key is to go.
    """

    __tablename__ = "tally"
    dies = Impersonal("how many rows went, per erasure and table; names nobody")

    workspace_id: Mapped[Big]
    erasure_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    what: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[Big]
