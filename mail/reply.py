"""What is new in a mail: its text without the mails it quotes and without the signature."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mail.reply_words import (
    ATTRIBUTION_BARE,
    ATTRIBUTION_OPENS,
    ATTRIBUTION_VERB,
    CLOSING,
    LABEL,
    LABEL_FROM,
    ORIGINAL,
    SENT_FROM,
    is_attribution,
)

SIGNATURE_LINES = 15
"""A block below a closing formula that is longer than this is no signature."""
SIGNATURE_CHARACTERS = 160
"""A line that begins a signature is no longer than this."""
CLOSING_CHARACTERS = 60
"""A closing formula is no longer than this."""
WINDOW = 400
"""Characters of an attribution that are looked at."""
LINE = 1_000
"""Characters of a line that are looked at; no heading of a quoted mail is longer."""

LINES = 20_000
"""Lines that are looked at; what is below them stays as it is."""
ATTEMPTS = 40
"""How often the library's slow expressions are asked about one mail."""

_RULE = re.compile(r"[\s*]*(?:[_-]{10,}|(?:- ){5,}-?)[\s*]*")
_LIST_RULE = re.compile(r"_{20,}\s*")
_ADDRESSED = re.compile(r"[<(][^\s<>()@]+@[^\s<>()@]+[>)]")
_COLON = re.compile(r":[\s*]*$")
_QUOTED = re.compile(r"\s{0,3}>")
_DELIMITER = re.compile(r"(?:--|—|__)\s*")
_BLANK_LINES = re.compile(r"\n{3,}")


def new_text(text: str) -> str:
    """Return what the sender wrote in this mail.

    Quoted lines, the headings over them and what a mail program puts below a heading go;
    answers between or below quoted lines stay. Signatures go, closing formulas included.
    Never empty when the text isn't: a mail that is nothing but a quotation (a forward
    without a word) is returned whole. Linear in time.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    runs = _own_runs(lines)
    kept = [stripped for run in runs if (stripped := "\n".join(_unsigned(run)).strip())]
    if not kept:
        kept = [stripped for run in runs if (stripped := "\n".join(run).strip())]
    if not kept:
        kept = ["\n".join(line for line in lines if not _QUOTED.match(line)).strip()]
    joined = "\n\n".join(kept)
    # Seldom true, and much faster to tell than to replace.
    if "\n\n\n" in joined:
        joined = _BLANK_LINES.sub("\n\n", joined)
    return joined.strip() or text.strip()


def _own_runs(lines: list[str]) -> list[list[str]]:
    """Return the runs of lines between quotations, up to where only history follows."""
    runs: list[list[str]] = [[]]
    place = 0
    # Only lines shortly before one that ends with a colon can begin an attribution.
    ends = [place for place, line in enumerate(lines[:LINES]) if _COLON.search(line[-9:])]
    headings = {place for last in ends for place in range(last - 3, last + 1)}
    attempts = iter(range(ATTEMPTS))
    end = min(len(lines), LINES)
    while place < end:
        line = lines[place]
        if _QUOTED.match(line):
            if runs[-1]:
                runs.append([])
            place += 1
            continue
        headed = _heading(lines, place, attempts) if place in headings else 0
        if headed:
            # A quotation that isn't marked line by line has no end that could be known.
            if not _marked_below(lines, headed):
                break
            if runs[-1]:
                runs.append([])
            place = headed
            continue
        if (
            (":" in line or "--" in line)
            and _opens_history(lines, place)
            and any(one.strip() for run in runs for one in run)
        ):
            break
        runs[-1].append(line)
        place += 1
    else:
        runs[-1].extend(lines[LINES:])
    while runs[-1] and (not runs[-1][-1].strip() or _RULE.fullmatch(runs[-1][-1][:LINE])):
        runs[-1].pop()
    return runs


def _heading(lines: list[str], place: int, attempts: Iterator[int]) -> int:
    """Return where an attribution ("On … wrote:", up to four lines) ends; 0 when there is none."""
    if not lines[place].strip():
        return 0
    joined = ""
    for end in range(place, min(place + 4, len(lines))):
        line = lines[end].strip()
        if not line or _QUOTED.match(line):
            return 0
        joined = f"{joined} {line}".strip()
        if len(joined) > WINDOW:
            return 0
        if _COLON.search(line[-9:]) and _attributes(joined, lines, end + 1, attempts):
            return end + 1
        if end == place and not ATTRIBUTION_OPENS.match(joined):
            return 0
    return 0


def _attributes(joined: str, lines: list[str], below: int, attempts: Iterator[int]) -> bool:
    if ATTRIBUTION_OPENS.match(joined) and ATTRIBUTION_BARE.fullmatch(joined):
        return True
    if not ATTRIBUTION_VERB.search(joined):
        return False
    if next(attempts, None) is not None and is_attribution(joined):
        return True
    if any(char.isdigit() for char in joined) and (
        _ADDRESSED.search(joined) or ATTRIBUTION_OPENS.match(joined)
    ):
        return True
    return _marked_below(lines, below)


def _marked_below(lines: list[str], place: int) -> bool:
    """Say whether the next line that isn't empty is a quoted one."""
    for line in lines[place : place + 8]:
        if line.strip():
            return _QUOTED.match(line) is not None
    return False


def _opens_history(lines: list[str], place: int) -> bool:
    """Say whether a whole earlier mail begins here: its header, or the line announcing it."""
    line = lines[place][:LINE]
    if ORIGINAL.fullmatch(line.strip(" \t*")):
        return True
    if not LABEL_FROM.match(line):
        return False
    labels = [one for one in lines[place + 1 : place + 8] if LABEL.match(one[:LINE])]
    return len({one.partition(":")[0] for one in labels}) > 1


def _unsigned(run: list[str]) -> list[str]:
    """Cut the signature from a run of own lines."""
    for place, line in enumerate(run[:LINES]):
        if len(line) > SIGNATURE_CHARACTERS or not line.strip():
            continue
        if place > 0 and _ends_here(run, place):
            return run[:place]
    return run


def _ends_here(run: list[str], place: int) -> bool:
    """Say whether a signature begins on this line."""
    line = run[place].strip()
    if line[0] in "-—_":
        is_rule = _LIST_RULE.fullmatch(line) and len(run) - place <= SIGNATURE_LINES
        return bool(is_rule or _DELIMITER.fullmatch(line))
    if SENT_FROM.fullmatch(line):
        return True
    return (
        len(line) <= CLOSING_CHARACTERS
        and CLOSING.fullmatch(line) is not None
        and _is_signature(run, place + 1)
    )


def _is_signature(run: list[str], start: int) -> bool:
    """Say whether these lines below a closing formula read like name, firm and telephone."""
    told = [line for line in run[start : start + 4 * SIGNATURE_LINES] if line.strip()]
    return len(told) <= SIGNATURE_LINES and not any(line.rstrip().endswith("?") for line in told)
