"""What Outlook packs into winmail.dat: the names and bytes of the files inside."""

from __future__ import annotations

import logging

from tnefparse import TNEF

from mail.mime import Part

FILES = 100
"""Files of one winmail.dat that are listed."""
_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")

# Its log lines repeat bytes of the mail.
logging.getLogger("tnefparse").setLevel(logging.CRITICAL)


def inner_files(part: Part) -> list[tuple[str, bytes]]:
    """Return the names and contents of the files in a TNEF part; none for any other part.

    Best effort: a broken one holds no files, and is an attachment itself all the same.
    """
    if part.type not in _TYPES and part.filename.lower() != "winmail.dat":
        return []
    try:
        return [
            (str(one.long_filename() or one.name or f"file-{number}")[:255], bytes(one.data))
            for number, one in enumerate(TNEF(part.content).attachments[:FILES], 1)
        ]
    except Exception:  # noqa: BLE001 (hostile bytes make it raise whatever its structs raise)
        return []
