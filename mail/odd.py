"""Mails of odd structure: split by the standard library, which has seen everything."""

from __future__ import annotations

import re
from email import policy
from email.message import Message as StandardMessage
from email.parser import BytesParser
from functools import partial

from mail.limits import Count, Limits, Reason, Unparseable
from mail.mime import Fields, Part, build, content_type, leaf

_NEWLINES = re.compile(rb"[\r\n]+")

# White space before the colon (RFC 5322 4.5.8): the standard library ends the header there.
_OBSOLETE = re.compile(rb"^([!-9;-~]+)[ \t]+:", re.MULTILINE)


class _Node(StandardMessage):
    """A message that keeps its body, and the messages inside it, as they were sent.

    Its fields are read as the quick splitter reads them, or the two would differ on
    folded boundaries, encoded parameters and stated types that are none.
    """

    def __init__(self, policy: policy.Policy, count: Count) -> None:
        super().__init__(policy)
        self.count = count
        self.depth = 0

    def attach(self, payload: object) -> None:
        """Count a part below this one; the parser attaches each before it reads it."""
        super().attach(payload)  # type: ignore[arg-type]
        if isinstance(payload, _Node):
            payload.depth = self.depth + 1
            self.count.enter(payload.depth)

    def fields(self) -> Fields:
        """Return the first field of each name."""
        found: dict[bytes, bytes] = {}
        for name, value in self.raw_items():
            content = str(value).encode("utf-8", "surrogateescape")
            key = str(name).strip().lower().encode("utf-8", "surrogateescape")
            found.setdefault(key, _NEWLINES.sub(b"", content).strip())
        return found

    def as_sent(self) -> bytes:
        """Return the body; `get_payload` would decode it by the charset it states."""
        payload: object = vars(self).get("_payload")
        return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""

    def get_content_type(self) -> str:
        stated = content_type(self.fields(), self.get_default_type())[0]
        return "application/octet-stream" if stated.startswith("message/") else stated

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: None = None) -> str | None:  # type: ignore[override]
        params = content_type(self.fields(), "")[1]
        return params.get("boundary", "").rstrip() or failobj


def split_odd(raw: bytes, limits: Limits) -> Part:
    """Return the tree of a mail, however broken its structure is.

    Raises:
        Unparseable: It has too many parts, they nest too deep, or it has more lines than may
            be read one by one.
    """
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") > limits.odd_lines:
        raise Unparseable(Reason.TOO_MANY_LINES)
    count = Count(limits)
    count.enter(0)
    parser = BytesParser(partial(_Node, count=count), policy=policy.compat32)
    head = raw[: limits.header].partition(b"\n\n")[0].partition(b"\n\r\n")[0]
    raw = _OBSOLETE.sub(rb"\1:", head) + raw[len(head) :]
    return _part(parser.parsebytes(raw), "", "text/plain")


def _part(node: StandardMessage, path: str, default: str) -> Part:
    assert isinstance(node, _Node)  # noqa: S101 (the parser makes no other)
    fields = node.fields()
    payload = node.get_payload() if node.is_multipart() else ()
    inner = [child for child in payload if isinstance(child, _Node)]
    media_type, params = content_type(fields, default)
    if not inner:
        body = node.as_sent()
        if not media_type.startswith("multipart/"):
            return leaf(path, media_type, params, fields, body)
        # Without a boundary there is nothing to split: what it says is shown.
        return build(path, "text/plain", params, fields, b"", body, ())
    below = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
    children = tuple(
        _part(child, f"{path}.{place}" if path else str(place), below)
        for place, child in enumerate(inner, 1)
    )
    return build(path, media_type, params, fields, b"", b"", children)
