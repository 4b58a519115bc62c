"""What an erasure is about; the one word that the purge and its verifier share."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What an erasure is about.

    `policy`: mail that no lead justifies any more. `block`: mail that names the blocked.
    """

    MAILBOX = "mailbox"
    LEAD = "lead"
    ADDRESS = "address"
    POLICY = "policy"
    BLOCK = "block"
