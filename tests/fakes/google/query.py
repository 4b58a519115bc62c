"""Reads what is written into Gmail's search box (support.google.com/mail/answer/7190)."""

from __future__ import annotations

import re

from tests.fakes.common.tree import All, Either, Node, Term, Without
from tests.fakes.google.errors import unserved

_PIECE = re.compile(r'\s+|"[^"]*"?|[(){}]|[^\s(){}"]+')
_OPERATOR = re.compile(r"([A-Za-z_0-9]+):(.*)", re.DOTALL)


def parse(text: str) -> Node:
    """Return a search as a tree; an empty one is found in every mail.

    Raises:
        Refusal: It is not written as documented; Gmail would guess, the stand-in says so.
    """
    return _Parser(text).read()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces = _PIECE.findall(text)

    def read(self) -> Node:
        node = self._sequence("", "")
        if self._pieces:
            raise unserved(f"a closing bracket without an opening one in the search {self._text}")
        return node

    def _sequence(self, end: str, operator: str) -> Node:
        """Read until the closing bracket: terms side by side, of which OR joins two."""
        found: list[list[Node]] = []
        joins = False
        while self._skip_space() and self._pieces[0] != end:
            if self._pieces[0] in {"OR", "|"}:
                self._pieces.pop(0)
                joins = True
            elif self._pieces[0] == "AND":
                self._pieces.pop(0)
            else:
                node = self._unit(operator)
                if joins and found:
                    found[-1].append(node)
                else:
                    found.append([node])
                joins = False
        if end:
            if not self._pieces:
                raise unserved(f"a bracket that stays open in the search {self._text}")
            self._pieces.pop(0)
        groups = tuple(each[0] if len(each) == 1 else Either(tuple(each)) for each in found)
        if end == "}":
            return Either(groups)
        return groups[0] if len(groups) == 1 else All(groups)

    def _skip_space(self) -> bool:
        while self._pieces and self._pieces[0].isspace():
            self._pieces.pop(0)
        return bool(self._pieces)

    def _unit(self, operator: str) -> Node:
        piece = self._pieces.pop(0)
        if piece == "(":
            return self._sequence(")", operator)
        if piece == "{":
            return self._sequence("}", operator)
        if piece in {")", "}"}:
            raise unserved(f"brackets that don't match in the search {self._text}")
        if piece.startswith('"'):
            return Term(operator, piece.strip('"'))
        if piece == "-":
            if not self._pieces or self._pieces[0].isspace():
                raise unserved(f"a minus before nothing in the search {self._text}")
            return Without(self._unit(operator))
        if piece.startswith(("-", "+")):
            # A plus asks for exactly this word, as every word here is.
            self._pieces.insert(0, piece[1:])
            return Without(self._unit(operator)) if piece[0] == "-" else self._unit(operator)
        if piece == "AROUND":
            raise unserved("AROUND")
        return self._word(piece, operator)

    def _word(self, piece: str, operator: str) -> Node:
        match = None if operator else _OPERATOR.fullmatch(piece)
        if not match:
            return Term(operator, piece)
        name, value = match[1].lower(), match[2]
        if value:
            return Term(name, value)
        if not self._pieces or self._pieces[0].isspace():
            raise unserved(f"the operator {name}: without a value")
        return self._unit(name)
