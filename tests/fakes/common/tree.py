"""A search as a tree, and how a tree finds what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Term:
    """One value, looked for by an operator; '' is the operator of bare words."""

    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these."""

    inside: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these."""

    inside: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Everything but this."""

    inside: Node


Node = Term | All | Either | Without
AnyMail = TypeVar("AnyMail")


def find(
    node: Node,
    by_term: Callable[[Term], set[AnyMail]],
    everything: Callable[[], set[AnyMail]],
) -> set[AnyMail]:
    """Return what a tree means, given what each of its terms finds."""
    match node:
        case Term():
            return by_term(node)
        case Without(inside):
            left_out: set[AnyMail] = find(inside, by_term, everything)
            return everything() - left_out
        case Either(inside):
            found: set[AnyMail] = set()
            for each in inside:
                found |= find(each, by_term, everything)
            return found
        case All(inside):
            parts: list[set[AnyMail]] = [find(each, by_term, everything) for each in inside]
            return set.intersection(*parts) if parts else everything()
