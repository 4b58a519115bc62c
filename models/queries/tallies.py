"""Counting what an erasure removes, so exactly that a crash at any point changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from models.bulk import insert_columns
from models.tally import Tally

OWED = "step key "


def add(
    connection: Connection, workspace_id: int, erasure_id: int, removed: Mapping[str, int]
) -> None:
    """Add rows, by table, to what the erasure has removed; in the transaction that does it."""
    rows = [
        {"workspace_id": workspace_id, "erasure_id": erasure_id, "what": table, "count": count}
        for table, count in sorted(removed.items())
    ]
    if not rows:
        return
    new = insert(Tally).values(rows)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[Tally.erasure_id, Tally.what],
            set_={"count": Tally.count + new.excluded.count},
        )
    )


def read(connection: Connection, erasure_id: int) -> dict[str, int]:
    """Return rows removed so far, by table."""
    rows = connection.execute(
        select(Tally.what, Tally.count.label("rows"))
        .where(Tally.erasure_id == erasure_id, Tally.what.not_like("step %"))
        .order_by(Tally.what)
    )
    return {row.what: row.rows for row in rows}


def read_many(connection: Connection, erasure_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return rows removed so far, by erasure and table; nothing for those that bear it already."""
    rows = connection.execute(
        select(Tally.erasure_id, Tally.what, Tally.count.label("rows"))
        .where(Tally.erasure_id.in_(erasure_ids), Tally.what.not_like("step %"))
        .order_by(Tally.what)
    )
    removed: dict[int, dict[str, int]] = {}
    for row in rows:
        removed.setdefault(row.erasure_id, {})[row.what] = row.rows
    return removed


def is_first(connection: Connection, workspace_id: int, erasure_id: int, step: str) -> bool:
    """Claim a step that is to be taken once; tell whether it hadn't been."""
    claimed = connection.scalar(
        insert(Tally)
        .values(workspace_id=workspace_id, erasure_id=erasure_id, what=f"step {step}", count=1)
        .on_conflict_do_nothing()
        .returning(Tally.what)
    )
    return claimed is not None


def owe_keys(
    connection: Connection, workspace_id: int, erasure_id: int, mail_ids: Sequence[int]
) -> None:
    """Note the keys that are to be shredded, in the transaction that deletes their mails."""
    count = len(mail_ids)
    insert_columns(
        connection,
        Tally,
        workspace_id=[workspace_id] * count,
        erasure_id=[erasure_id] * count,
        what=[f"{OWED}{id_}" for id_ in mail_ids],
        count=[0] * count,
    )


def owed_keys(connection: Connection, erasure_id: int) -> list[int]:
    """Return the mails whose keys are still to be shredded, as far as that is known."""
    names = connection.scalars(
        select(Tally.what).where(Tally.erasure_id == erasure_id, Tally.what.startswith(OWED))
    )
    return [int(name.removeprefix(OWED)) for name in names]


def shredded(connection: Connection, erasure_id: int) -> None:
    """Forget the keys that were to be shredded: they are."""
    connection.execute(
        delete(Tally).where(Tally.erasure_id == erasure_id, Tally.what.startswith(OWED))
    )


def forget(connection: Connection, erasure_id: int) -> None:
    """Delete the counts of an erasure whose certificate bears them."""
    connection.execute(delete(Tally).where(Tally.erasure_id == erasure_id))
