"""When a mail was sent, as its Date field says it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LENGTH = 100
"""Bytes of a Date field that are looked at."""

_YEARS = range(1970, 2200)


def date_in(values: Iterable[bytes]) -> datetime | None:
    """Return the first date of some Date fields that can be read, aware and UTC.

    No zone, or "-0000" (RFC 5322 3.3): the time is UTC.
    """
    for value in values:
        try:
            moment = parsedate_to_datetime(value[:LENGTH].decode("ascii", "replace"))
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        if moment.year in _YEARS:
            return moment
    return None
