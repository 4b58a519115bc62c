"""The IMAP server that both sides read: a private Dovecot, loaded by hard links."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from bench.mails import FOLDERS, OWNER, Corpus
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD

__all__ = ["OWNER", "PASSWORD", "MailServer"]


class MailServer(Dovecot):
    """A Dovecot with the corpus in the owner's mailbox."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._linked = 0
        return self

    def open_account(self, user: str, folders: Sequence[str]) -> None:
        """Let a user in, with these folders beside the usual ones."""
        self.user(user)
        with self.client(user) as client:
            for folder in folders:
                # Those with a special use are listed before they exist.
                with suppress(client.Error):
                    client.create_folder(folder)

    def load(self, user: str, corpus: Corpus) -> None:
        """Give a user the corpus' mails; their arrival is the order they were made in."""
        self.open_account(user, FOLDERS)
        for folder in FOLDERS:
            self.link(user, folder, corpus.files(folder))

    def load_evenly(self, user: str, corpus: Corpus, folders: int) -> None:
        """Spread the corpus' mails over the inbox and further folders."""
        names = ["INBOX", *(f"F{number}" for number in range(1, folders))]
        self.open_account(user, names)
        files = [file for folder in FOLDERS for file in corpus.files(folder)]
        for number, name in enumerate(names):
            self.link(user, name, files[number::folders])

    def link(self, user: str, folder: str, files: Iterable[Path]) -> None:
        """Put files into a folder without copying them; they become the server's own."""
        place = self._maildir(user, folder) / "cur"
        group = pwd.getpwuid(self._owner).pw_gid
        now = int(time.time())
        for file in files:
            self._linked += 1
            os.chown(file, self._owner, group)
            size = file.stat().st_size
            os.link(file, place / f"{now}.M{self._linked:09d}P2.host,S={size}:2,")
