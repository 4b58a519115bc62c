"""One logged-in IMAP connection: commands travel together, answers are read in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.egress import Egress
from connectors.errors import FolderGone, Misbehaved
from connectors.imap.account import FetchLimits, ImapAccount
from connectors.imap.grammar import number, quoted
from connectors.imap.login import log_in
from connectors.imap.refusals import During, Refused, reaction
from connectors.imap.wire import Response, Wire

_TAGGED = re.compile(rb"(L\d+) (OK|NO|BAD)\b *(.*)\r\n\Z", re.IGNORECASE | re.DOTALL)
_BYE = re.compile(rb"\* BYE\b *(.*)\r\n", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(rb"\* OK \[([A-Za-z-]+)(?: ([^\]]*))?\]", re.IGNORECASE)
_EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n", re.IGNORECASE)
_NO_FOLDER = re.compile(
    rb"(?:do(?:es)?n'?t|not) exist|nonexistent|no such|no mailbox|not found"
    rb"|unknown (?:mailbox|folder)",
    re.IGNORECASE,
)
_SMALL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Selection:
    """What a folder is like at the moment it is opened; zero means that the server didn't say."""

    folder: str
    uidvalidity: int
    uidnext: int
    exists: int
    highestmodseq: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that was sent, or will be at the next read."""

    tag: bytes
    is_quiet: bool = False


class Session:
    """A connection. After any error but `Refused` it is closed and of no more use."""

    def __init__(self, account: ImapAccount, egress: Egress, limits: FetchLimits) -> None:
        self._wire, self.capabilities = log_in(account, egress, limits)
        self._waiting: dict[bytes, Asked] = {}
        self._refused: dict[bytes, Refused] = {}
        self._sent = 0
        self.epoch = 0
        self._has_folder_open = False
        self.is_open = True
        self.has_utf8_names = self.offers(b"UTF8=ONLY")
        self.has_qresync = self.offers(b"ENABLE", b"QRESYNC")
        wanted = [b"UTF8=ACCEPT"] * self.has_utf8_names + [b"QRESYNC"] * self.offers(b"QRESYNC")
        if wanted and self.offers(b"ENABLE"):
            # Travels with the first command; whether it worked shows in that one's answer.
            self.ask(b"ENABLE " + b" ".join(wanted), is_quiet=True)

    @property
    def wire(self) -> Wire:
        """The bytes below, for the one who watches the socket."""
        return self._wire

    def offers(self, *capabilities: bytes) -> bool:
        """Say whether the server offers all of these."""
        return self.capabilities.issuperset(capabilities)

    def ask(self, command: bytes, *, is_quiet: bool = False) -> Asked:
        """Send a command at the next read; nobody waits for the answer of a quiet one."""
        self._sent += 1
        asked = Asked(b"L%d" % self._sent, is_quiet)
        self._wire.write_later(b"%s %s\r\n" % (asked.tag, command))
        self._waiting[asked.tag] = asked
        return asked

    def answers(self, asked: Asked, keep: int = _SMALL) -> Iterator[Response]:
        """Yield untagged responses until the command is done.

        They may belong to any command under way, for servers work on several at once
        (RFC 9051 5.5; Seen: 2026-11, Dovecot mixes the answers to FETCH). All that belong to
        this one have been yielded, by this call or an earlier one, when it ends. Of each
        literal at most `keep` bytes are kept.

        Raises:
            Refused: NO or BAD; the connection remains usable.
            Unreachable, Throttled, Misbehaved: The connection is closed.
        """
        try:
            while asked.tag in self._waiting:
                pieces = self._wire.response(keep)
                line = pieces[0]
                if line[:2] == b"* ":
                    if goodbye := _BYE.match(line):
                        raise reaction(Refused(b"BYE", goodbye[1]), During.COMMAND)
                    yield pieces
                elif line[:1] != b"+":
                    self._conclude(line)
        except GeneratorExit:
            # Whoever stopped listening leaves responses behind; `begin` reads them.
            raise
        except BaseException:
            self.close()
            raise
        if refused := self._refused.pop(asked.tag, None):
            raise refused

    def _conclude(self, line: bytes) -> None:
        tagged = _TAGGED.match(line)
        asked = self._waiting.pop(tagged[1], None) if tagged else None
        if tagged is None or asked is None:
            raise Misbehaved("an answer to nothing that was asked")
        if tagged[2].upper() != b"OK" and not asked.is_quiet:
            self._refused[asked.tag] = Refused(tagged[2], tagged[3])

    def run(self, command: bytes) -> list[Response]:
        """Send one command and return all of its untagged responses."""
        return list(self.answers(self.ask(command)))

    def finish(self, asked: Asked) -> list[Response]:
        """Return the untagged responses that come until the command is done."""
        return list(self.answers(asked))

    def gather(
        self, *several: Asked | None, keep: int = _SMALL
    ) -> tuple[list[Response], list[Refused | None]]:
        """Return the untagged responses of several commands in one list, and who was refused."""
        lines: list[Response] = []
        refusals: list[Refused | None] = []
        for asked in several:
            try:
                lines += self.answers(asked, keep) if asked is not None else ()
                refusals.append(None)
            except Refused as refused:
                refusals.append(refused)
        return lines, refusals

    def begin(self) -> int:
        """Start something new: read and drop what an earlier caller left; return its number.

        Whoever finds another number in `epoch` later must ask again for what is missing.
        """
        for asked in [each for each in self._waiting.values() if not each.is_quiet]:
            try:
                for _ in self.answers(asked, keep=0):
                    pass
            except Refused:
                pass
        self._refused.clear()
        self.epoch += 1
        return self.epoch

    def ask_examine(self, folder: str) -> Asked:
        """Open a folder for reading only (RFC 9051 6.3.3)."""
        self._has_folder_open = True
        return self.ask(b"EXAMINE " + quoted(folder.encode("latin-1")))

    def examined(self, folder: str, asked: Asked) -> Selection:
        """Read the answer to EXAMINE.

        Raises:
            FolderGone: There is no such folder.
        """
        exists = uidvalidity = uidnext = highestmodseq = 0
        try:
            lines = self.finish(asked)
        except Refused as refused:
            if refused.code == b"NONEXISTENT" or _NO_FOLDER.search(refused.text):
                raise FolderGone("no such folder") from None
            raise reaction(refused, During.COMMAND) from None
        for pieces in lines:
            line = pieces[0]
            if code := _CODE.match(line):
                name, value = code[1].upper(), code[2]
                if name == b"UIDVALIDITY":
                    uidvalidity = number(value)
                elif name == b"UIDNEXT":
                    uidnext = number(value)
                elif name == b"HIGHESTMODSEQ":
                    highestmodseq = number(value, 2**63 - 1)
            elif count := _EXISTS.match(line):
                exists = number(count[1])
        if not uidvalidity:
            raise Misbehaved("a folder without UIDVALIDITY")
        return Selection(folder, uidvalidity, uidnext, exists, highestmodseq)

    def leave_folder(self) -> None:
        """Let go of the open folder, for STATUS would speak of what was seen at its opening.

        Seen: 2026-11, Dovecot does so even after NOOP.
        """
        if self._has_folder_open and self.offers(b"UNSELECT"):
            self._has_folder_open = False
            self.ask(b"UNSELECT", is_quiet=True)
        elif self._has_folder_open:
            self.ask(b"NOOP", is_quiet=True)

    def close(self) -> None:
        """Let go of the connection without waiting for a goodbye; never raises."""
        if self.is_open:
            self.is_open = False
            self._waiting.clear()
            self._wire.close()
