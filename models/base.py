"""What every table shares: a declaration base per database, and the mark that says how it dies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, LargeBinary, MetaData, Row, func
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Owner(StrEnum):
    """Whose end ends the row: the owner's erasure must leave no row of it."""

    WORKSPACE = "workspace"
    MAILBOX = "mailbox"
    MAIL = "mail"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Personal:
    """The table concerns people; its rows die with any of the owners."""

    owners: tuple[Owner, ...]

    def __str__(self) -> str:
        return "personal: dies with " + ", ".join(self.owners)


@dataclass(frozen=True, slots=True)
class Impersonal:
    """The table concerns nobody, or must outlive them; the reason is a sentence."""

    because: str

    def __str__(self) -> str:
        return "impersonal: " + self.because


NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Marked(DeclarativeBase):
    """A table that says how it dies; the mark becomes the table's comment in the database."""

    __abstract__ = True
    dies: ClassVar[Personal | Impersonal]

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a table without its mark (invariant 9).

        Raises:
            TypeError: The table doesn't say how it dies.
        """
        super().__init_subclass__(**options)
        if "__tablename__" in cls.__dict__:
            if not isinstance(cls.__dict__.get("dies"), Personal | Impersonal):
                raise TypeError(f"table {cls.__tablename__} doesn't say how it dies")
            cls.metadata.tables[cls.__tablename__].comment = str(cls.dies)


class Base(Marked):
    """A table of the data database."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMES)


class VaultBase(Marked):
    """A table of the vault, the database whose backups live days."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMES)


AnyRow = Row[*tuple[Any, ...]]
"""A row whose columns the query names."""

Id = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
Big = Annotated[int, mapped_column(BigInteger)]
Hash = Annotated[bytes, mapped_column(LargeBinary)]
"""A keyed hash of 16 bytes."""
Sealed = Annotated[bytes, mapped_column(LargeBinary)]
"""Ciphertext, bound to its place (`privacy.vault.seal`)."""
When = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Created = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
