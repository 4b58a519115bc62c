"""How every command speaks: plain lines or JSON, one-line errors, exit codes 0, 1 and 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import orjson
import redis
import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from privacy.vault import KeyRefused, Shredded
from worker.boot import NotConfigured, Service, boot
from worker.log import configure
from worker.names import UnknownId, row_id
from worker.refused import NotThere, Unacceptable

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
In = Annotated[
    str | None,
    typer.Option("--in", metavar="WORKSPACE", help="In which workspace; needed if several are."),
]
FAILED, WRONG_USE = 1, 2


@contextmanager
def service() -> Iterator[Service]:
    """Build the service for one command; what goes wrong becomes one line and an exit code."""
    try:
        built = boot()
    except ValidationError as error:
        names = ", ".join(str(part["loc"][0]) for part in error.errors(include_input=False))
        fail(f"wrong settings: {names}; see `leadmail doctor`", WRONG_USE)
    configure(built.settings.log_level)
    try:
        yield built
    except NotConfigured as error:
        fail(str(error))
    except (UnknownId, NotThere, Shredded):
        fail("there is nothing of this id")
    except Unacceptable as error:
        fail(str(error), WRONG_USE)
    except KeyRefused as error:
        fail(f"{error}; see `leadmail doctor`")
    except (DBAPIError, redis.RedisError) as error:
        fail(f"a server can't be reached ({type(error).__name__}); see `leadmail doctor`")
    finally:
        built.close()


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print one line to standard error and exit."""
    typer.echo(f"leadmail: {message}", err=True)
    raise typer.Exit(code)


def show(values: Mapping[str, Any], as_json: bool) -> None:
    """Print one thing, as a JSON object or as lines of name and value."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()
        return
    for name, value in values.items():
        typer.echo(f"{name}: {value}")


def show_all(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print many things, as a JSON array or as aligned columns."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(list(rows), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()
        return
    if not rows:
        typer.echo("none")
        return
    names = list(rows[0])
    table = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(names))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def row(text: str) -> int:
    """Return the row that an id on the command line names, or end the command."""
    try:
        return row_id(text)
    except UnknownId:
        fail(f"{text!r} is no id", WRONG_USE)
