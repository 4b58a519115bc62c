"""What reading mails costs: microseconds per mail for the header scan and the whole parse."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from email import policy
from email.parser import BytesParser

from bench.mails import Author
from mail.envelope import scan
from mail.limits import Limits
from mail.message import parse
from mail.split import split

MAILS = 400
ROUNDS = 5


def main() -> None:
    """Print the medians, beside the standard library's on the same mails."""
    mails = [raw for _, raw in Author().write(MAILS)]
    heads = [raw.partition(b"\r\n\r\n")[0] for raw in mails]
    odd = sum(split(raw, Limits()) is None for raw in mails)
    mean = sum(map(len, mails)) / len(mails) / 1000
    print(f"{len(mails)} mails, {mean:.0f} kB each on average, {odd} of odd structure")
    standard = BytesParser(policy=policy.compat32).parsebytes
    for name, step, given in (
        ("scan", scan, heads),
        ("split", lambda raw: split(raw, Limits()), mails),
        ("parse", parse, mails),
        ("parse and sanitise", lambda raw: parse(raw).html, mails),
        ("standard library, compat32, nothing decoded", standard, mails),
    ):
        print(f"{name:45} {cost(step, given):8.0f} µs a mail")


def cost(step: Callable[[bytes], object], given: Sequence[bytes]) -> float:
    """Return the median over some rounds of the microseconds of CPU that one takes."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for raw in given:
            step(raw)
        times.append((time.process_time() - began) / len(given) * 1e6)
    return statistics.median(times)


if __name__ == "__main__":
    main()
