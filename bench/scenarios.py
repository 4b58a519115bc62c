"""What is measured: each scenario runs both sides in turn, on the same server, in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from bench.mails import OWNER, Author, Corpus, firm_domains, lead_addresses
from bench.mailserver import MailServer
from bench.mbsync import Mbsync
from bench.meter import Cost
from bench.ours import QUIET, Ours
from bench.proxy import FarLine

ROUND_TRIP = 0.05
FAR_MAILS = 2000
QUIET_FOLDERS = 50
NEW_MAILS = 100
PEERS = {"mbsync, FSync no": False, "mbsync as it comes": True}


@dataclass(slots=True)
class Table:
    """The costs of each contender, run after run."""

    title: str
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, contender: str, cost: Cost) -> None:
        """Keep a run's cost."""
        self.costs.setdefault(contender, []).append(cost)

    def median(self, contender: str) -> Cost:
        """Return the medians of a contender's runs; of its memory the highest."""
        runs = self.costs[contender]
        return Cost(
            wall=statistics.median(run.wall for run in runs),
            cpu=statistics.median(run.cpu for run in runs),
            peak_mb=max(run.peak_mb for run in runs),
            round_trips=round(statistics.median(run.round_trips for run in runs)),
            server_cpu=statistics.median(run.server_cpu for run in runs),
        )

    def ratio(self, contender: str, peer: str) -> float:
        """Return the median of the ratios of wall time, pair by pair."""
        pairs = zip(self.costs[contender], self.costs[peer], strict=True)
        return statistics.median(one.wall / other.wall for one, other in pairs)


class Incomplete(Exception):
    """A run ended without all of its mails: its time means nothing."""


def first_sync(server: MailServer, corpus: Corpus, runs: int, *, tls: bool) -> Table:
    """Read a whole mailbox for the first time: all of it, or what 200 leads wrote."""
    table = Table(f"First sync of {corpus.mails} mails, {'TLS' if tls else 'in clear'}")
    port = server.tls_port if tls else server.port
    ca_file = server.ca_file if tls else None
    # Unmeasured, so that the server's own index is there for everyone.
    with Mbsync(port, ca_file, fsync=False) as peer:
        peer.run()
    for _ in range(runs):
        for name, fsync in PEERS.items():
            with Mbsync(port, ca_file, fsync=fsync) as peer:
                table.add(name, peer.run())
                expect(corpus.mails, peer.held())
        for name, domains, expected in (
            ("Leadmail, 15 % match", [], corpus.matching),
            ("Leadmail, all match", firm_domains(), corpus.mails),
        ):
            with Ours(server.ca_file) as ours:
                ours.put_leads(lead_addresses(), domains)
                table.add(name, first_of(ours, port, tls=tls))
                expect(expected, ours.stored())
    return table


def first_sync_far(server: MailServer, corpus: Corpus, user: str) -> Table:
    """Read a smaller mailbox for the first time, over a line with a round trip of 50 ms."""
    table = Table(f"First sync of {corpus.mails} mails, TLS, round trip 50 ms")
    with FarLine(server.tls_port, ROUND_TRIP) as line:
        with (
            Mbsync(line.port, server.ca_file, fsync=False, user=user) as peer,
            counted(line) as trips,
        ):
            table.add("mbsync, FSync no", replace(peer.run(), round_trips=trips()))
            expect(corpus.mails, peer.held())
        for name, domains, expected in (
            ("Leadmail, 15 % match", [], corpus.matching),
            ("Leadmail, all match", firm_domains(), corpus.mails),
        ):
            with Ours(server.ca_file, QUIET) as ours, counted(line) as trips:
                ours.put_leads(lead_addresses(), domains)
                cost = first_of(ours, line.port, tls=True, user=user)
                table.add(name, replace(cost, round_trips=trips()))
                expect(expected, ours.stored())
    return table


def later_sync(server: MailServer, user: str, *, new: int, runs: int) -> Table:
    """Look again into 50 folders: for nothing, or for new mails; both near and 50 ms away."""
    author = Author(seed=new + 1)
    what = f"{new} new mails" if new else "No change"
    table = Table(f"{what}, 50 folders, TLS")
    with ExitStack() as stack:
        line = stack.enter_context(FarLine(server.tls_port, 0.0))
        ours = stack.enter_context(Ours(server.ca_file, QUIET))
        with Mbsync(line.port, server.ca_file, fsync=False, user=user) as peer:
            peer.run()
            ours.put_leads(lead_addresses(), firm_domains())
            first_of(ours, line.port, tls=True, user=user)
            ours.wait_for(lambda: ours.round() is not None)
            mailbox = ours.mailbox()
            for round_trip in [0.0, ROUND_TRIP] * runs:
                if new:
                    mails = (mail for _, mail in author.write(new))
                    server.deliver(user, mails, "INBOX")
                far = ", 50 ms" if round_trip else ""
                line.round_trip = round_trip
                with counted(line) as trips:
                    table.add(f"mbsync, FSync no{far}", replace(peer.run(), round_trips=trips()))
                before = ours.round()
                with counted(line) as trips:
                    cost = ours.measured(
                        lambda: ours.sync(mailbox),
                        lambda before=before: ours.is_round_after(before),  # type: ignore[misc]  # bound now
                    )
                    table.add(f"Leadmail{far}", replace(cost, round_trips=trips()))
                expect(peer.held(), ours.stored())
    return table


def first_of(ours: Ours, port: int, *, tls: bool, user: str = OWNER) -> Cost:
    """Return the cost from the connection of a mailbox to the moment at which all is stored."""
    security = "tls" if tls else "plain"
    return ours.measured(lambda: ours.connect(port, security, user), lambda: ours.is_covered(1))


@contextmanager
def counted(line: FarLine) -> Iterator[Callable[[], int]]:
    """Give what counts the round trips since here."""
    before = line.round_trips
    yield lambda: line.round_trips - before


def expect(expected: int, held: int) -> None:
    """Refuse a run that lost mails or made some up."""
    if held != expected:
        raise Incomplete(f"{held} mails of {expected}")
