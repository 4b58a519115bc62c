"""`leadmail doctor`: every problem at once, each with its remedy."""

from __future__ import annotations

import sys

import orjson
import typer

from worker import doctor as doctors
from worker.commands.speaking import Json


def doctor(as_json: Json = False) -> None:
    """Check settings, servers, keys and clocks; exits with 1 if something is to be mended."""
    settings, findings = doctors.read_settings()
    if settings is not None:
        findings = doctors.examine(settings)
    if as_json:
        rows = [
            {"subject": one.subject, "problem": one.problem, "remedy": one.remedy}
            for one in findings
        ]
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_APPEND_NEWLINE))
    else:
        for one in findings:
            typer.echo(f"{'ok  ' if one.is_well else 'MEND'} {one.subject}", nl=one.is_well)
            if not one.is_well:
                typer.echo(f": {one.problem}. Remedy: {one.remedy}.")
    if not all(one.is_well for one in findings):
        raise typer.Exit(1)
