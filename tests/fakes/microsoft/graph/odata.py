"""Query options: those that a resource takes are read, all others are refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.fakes.common.wire import Call
from tests.fakes.microsoft.graph.refusals import bad_request, invalid_query, no_property, unserved

_SYSTEM = frozenset(
    "$select $top $skip $filter $orderby $search $expand $count $skiptoken $deltatoken".split()
)


@dataclass(frozen=True, slots=True)
class Options:
    """The query of one call, each option once; names are spelled as documented."""

    given: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return an option, or ''."""
        return self.given.get(name, "")

    def number(self, name: str, least: int, most: int) -> int | None:
        """Return a number in its bounds, or nothing when it wasn't given.

        Raises:
            Refusal: It is none, or out of bounds.
        """
        text = self.text(name)
        if not text:
            return None
        if not text.isdecimal() or not least <= int(text) <= most:
            raise invalid_query(
                f"Invalid value '{text}' for {name} query option. It must be between {least} and "
                f"{most}."
            )
        return int(text)

    def flag(self, name: str) -> bool:
        """Return a boolean; false when it wasn't given.

        Raises:
            Refusal: It is none.
        """
        text = self.text(name).casefold()
        if text not in {"", "true", "false"}:
            raise invalid_query(f"The value of {name} must be true or false.")
        return text == "true"

    def select(self, properties: Collection[str], kind: str) -> list[str]:
        """Return the wanted properties, spelled as documented; all of them when none is named.

        Raises:
            Refusal: One of them isn't there.
        """
        names = [each.strip() for each in self.text("$select").split(",") if each.strip()]
        spelled = {each.casefold(): each for each in properties}
        for name in names:
            if name.casefold() not in spelled:
                raise no_property(name, kind)
        return [spelled[name.casefold()] for name in names]


def read(call: Call, allowed: Collection[str]) -> Options:
    """Return the query of a call.

    Raises:
        Refusal: An option twice, one that isn't Graph's, or one that the resource doesn't take.
    """
    known = {each.casefold(): each for each in (*_SYSTEM, *allowed)}
    given: dict[str, str] = {}
    for name, value in call.query:
        # The dollar may be left out (learn.microsoft.com/graph/query-parameters).
        spelled = known.get(name.casefold()) or known.get(f"${name.casefold()}")
        if spelled is None:
            raise unserved(f"the query option {name}")
        if spelled in given:
            raise bad_request(f"Query option '{spelled}' was specified more than once.")
        if spelled not in allowed:
            raise invalid_query(f"The query option '{spelled}' is not supported here.")
        given[spelled] = value
    return Options(given)
