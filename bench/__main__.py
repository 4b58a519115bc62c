"""`python -m bench`: every scenario beside mbsync, a table, and the marks reached or missed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence

from bench import moments, report, scenarios
from bench.mails import OWNER, Corpus, make_corpus
from bench.mailserver import MailServer
from bench.report import Mark

SCENARIOS = ("first", "plain", "far", "quiet", "new", "delivery", "huge", "disconnect")
SMALL = "small@ours.example"
FOLDERS = "folders@ours.example"


def main() -> int:
    """Measure and print; 1 if a mark was missed."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--mails", type=int, default=20_000, help="of the large mailbox")
    options.add_argument("--runs", type=int, default=3, help="of which the medians are shown")
    options.add_argument("--disconnect", type=int, default=100_000, help="mails to disconnect")
    options.add_argument("--only", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    chosen = options.parse_args()
    with MailServer() as server:
        bench = Bench(server, make_corpus(chosen.mails), chosen.runs, chosen.disconnect)
        for name in chosen.only:
            getattr(bench, name)()
    say("\nMarks of issue 2")
    for mark in bench.marks:
        say(mark.line())
    return 0 if all(mark.is_reached for mark in bench.marks) else 1


class Bench:
    """One run of the scenarios on one server."""

    def __init__(self, server: MailServer, corpus: Corpus, runs: int, disconnect: int) -> None:
        self.server = server
        self.corpus = corpus
        self.runs = runs
        self.to_disconnect = disconnect
        self.marks: list[Mark] = []
        self._loaded: set[str] = set()

    def first(self) -> None:
        """A first sync over TLS."""
        self._load(OWNER, self.corpus)
        table = scenarios.first_sync(self.server, self.corpus, self.runs, tls=True)
        self._tell(report.lines_of(table), report.marks_of_first_sync(table))

    def plain(self) -> None:
        """The same in clear, once: ratios in clear jump more."""
        self._load(OWNER, self.corpus)
        table = scenarios.first_sync(self.server, self.corpus, 1, tls=False)
        self._tell(report.lines_of(table), [])

    def far(self) -> None:
        """A smaller mailbox, 50 ms away, over TLS."""
        small = make_corpus(min(scenarios.FAR_MAILS, self.corpus.mails))
        self._load(SMALL, small)
        table = scenarios.first_sync_far(self.server, small, SMALL)
        self._tell(report.lines_of(table), [])

    def quiet(self) -> None:
        """Nothing new in 50 folders."""
        self._load_folders()
        table = scenarios.later_sync(self.server, FOLDERS, new=0, runs=self.runs)
        self._tell(report.lines_of(table), report.marks_of_no_change(table))

    def new(self) -> None:
        """A hundred new mails."""
        self._load_folders()
        count = scenarios.NEW_MAILS
        table = scenarios.later_sync(self.server, FOLDERS, new=count, runs=self.runs)
        self._tell(report.lines_of(table), [])

    def delivery(self) -> None:
        """Ten mails to a watched mailbox."""
        found = moments.delivery(self.server, 10)
        lines = [
            "\nOne mail, from delivery until the API shows it (TLS), seconds",
            f"  raw IDLE watcher  {spread(found.noticed)}",
            f"  Leadmail          {spread(found.visible)}; we add {found.added():.3f}",
        ]
        self._tell(lines, report.marks_of_delivery(found))

    def huge(self) -> None:
        """Mails of 30 MB."""
        cost = moments.huge_mails(self.server)
        self._tell(
            [f"\nThree mails of 30 MB (TLS): {cost.wall:.1f} s, peak {cost.peak_mb:.0f} MB"],
            [Mark("peak memory with mails of 30 MB", cost.peak_mb, 250, " MB")],
        )

    def disconnect(self) -> None:
        """A mailbox of small mails goes."""
        found = moments.disconnection(self.server, self.to_disconnect)
        cost = found.import_cost
        lines = [
            f"\nDisconnection of {found.mails} mails (TLS), seconds",
            f"  DELETE itself took {found.answered:.3f}",
            f"  from its answer: unreadable {found.unreadable:.3f}",
            f"  of {found.reads} reads {found.shown} were shown",
            f"  from the order: keys gone {found.keys_gone:.2f}, verified {found.verified:.1f}",
            f"  (taking them in: {cost.wall:.0f} s, peak {cost.peak_mb:.0f} MB)",
        ]
        marks = report.marks_of_disconnection(found)
        name = f"peak memory with {found.mails} mails"
        self._tell(lines, [*marks, Mark(name, cost.peak_mb, 250, " MB")])

    def _load(self, user: str, corpus: Corpus) -> None:
        if user not in self._loaded:
            self._loaded.add(user)
            self.server.load(user, corpus)

    def _load_folders(self) -> None:
        if FOLDERS not in self._loaded:
            self._loaded.add(FOLDERS)
            self.server.load_evenly(FOLDERS, make_corpus(500), scenarios.QUIET_FOLDERS)

    def _tell(self, lines: Iterable[str], marks: Sequence[Mark]) -> None:
        for line in lines:
            say(line)
        say(f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        self.marks += marks


def spread(seconds: Sequence[float]) -> str:
    """Return the median and the extremes."""
    ordered = sorted(seconds)
    return f"{ordered[len(ordered) // 2]:.3f} ({ordered[0]:.3f} to {ordered[-1]:.3f})"


def say(line: str) -> None:
    """Print at once, for a run takes minutes."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
