"""Reads what is searched for in the Keyword Query Language.

See the "Keyword Query Language (KQL) syntax reference" at learn.microsoft.com/sharepoint, and
learn.microsoft.com/graph/search-query-parameter.
"""

from __future__ import annotations

import re

from tests.fakes.common.tree import All, Either, Node, Term, Without
from tests.fakes.microsoft.graph.refusals import bad_request, unserved

_PIECE = re.compile(
    r'\s+|[()]|(?P<name>[A-Za-z]+)(?P<sign><=|>=|<>|[:=<>])(?P<value>"[^"]*"|[^\s()"]+)'
    r'|"[^"]*"|[^\s()"]+'
)
_WORDS = frozenset({"AND", "OR", "NOT"})


def parse(option: str) -> Node:
    """Return the tree of a `$search`, whose value stands in quotation marks.

    A sign other than `:` or `=` stands before its value: Term("received", ">=2024-01-01").

    Raises:
        Refusal: It is not in quotation marks, or not written as documented.
    """
    text = option.strip()
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        raise bad_request(f"Syntax error: character '{text[:1]}' is not valid at position 0.")
    inner = re.sub(r"\\(.)", r"\1", text[1:-1])
    return _Parser(inner).read()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces = [match for match in _PIECE.finditer(text) if match[0].strip()]
        if "".join(match[0] for match in _PIECE.finditer(text)) != text:
            raise unserved(f"the search {text}")

    def read(self) -> Node:
        node = self._either()
        if self._pieces:
            raise unserved(f"brackets that don't match in the search {self._text}")
        return node

    def _either(self) -> Node:
        found = [self._both()]
        while self._take("OR"):
            found.append(self._both())
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _both(self) -> Node:
        found = [self._one()]
        while self._pieces and self._pieces[0][0] not in {"OR", ")"}:
            joined = self._take("AND")
            node = self._one()
            last = found[-1]
            if not joined and _is_of_one_property(last, node):
                # Two values of one property side by side: either of them.
                found[-1] = Either((last, node))
            else:
                found.append(node)
        return found[0] if len(found) == 1 else All(tuple(found))

    def _one(self) -> Node:
        if not self._pieces:
            raise unserved(f"a search that ends too early: {self._text}")
        if self._take("NOT"):
            return Without(self._one())
        if self._take("("):
            node = self._either()
            if not self._take(")"):
                raise unserved(f"a bracket that stays open in the search {self._text}")
            return node
        match = self._pieces.pop(0)
        if match[0] in {*_WORDS, ")"}:
            raise unserved(f"{match[0]} in this place of the search {self._text}")
        if match["name"] is None:
            return Term("", match[0].strip('"'))
        value = match["value"].strip('"')
        sign = "" if match["sign"] in {":", "="} else match["sign"]
        return Term(match["name"].casefold(), sign + value)

    def _take(self, piece: str) -> bool:
        if self._pieces and self._pieces[0][0] == piece:
            self._pieces.pop(0)
            return True
        return False


def _is_of_one_property(left: Node, right: Node) -> bool:
    return (
        isinstance(left, Term) and isinstance(right, Term) and left.operator == right.operator != ""
    )
