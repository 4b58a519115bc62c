"""An IMAP mailbox as a person types it in at a link's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.imap import Security
from privacy.contents import Grant, MailboxCard
from worker.attempts import take
from worker.boot import Service
from worker.connect_links import Link, is_expected
from worker.connecting import IMAP
from worker.given import given_address
from worker.joining import Joined, Joining
from worker.refused import AnotherAccount, Unacceptable

LONGEST = {"address": 500, "host": 255, "port": 5, "username": 500, "password": 2000}


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of the form, as they were typed; the password isn't among them."""

    address: str = ""
    host: str = ""
    port: str = ""
    security: str = "tls"
    username: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Typed:
        """Read the fields of a form."""
        names = ("address", "host", "port", "username")
        cut = {name: fields.get(name, "").strip()[: LONGEST[name] + 1] for name in names}
        return cls(security=fields.get("security", "tls")[:10], **cut)

    def __bool__(self) -> bool:
        """Whether anything was typed."""
        return bool(self.address or self.host)


def connect_imap(
    service: Service, link: Link, typed: Typed, password: str, since: datetime | None
) -> Joined:
    """Log in to a mail server, and keep the mailbox for the link's user.

    Raises:
        Unacceptable: A field is missing or wrong.
        connectors.errors.ConnectorError: What the mail server, or the way to it, said.
        AnotherAccount, AnotherWay: It isn't the mailbox that was meant.
        worker.refused.Busy: Too many logins are going on.
        worker.attempts.LinkUsed: A mailbox has been connected by the link meanwhile.
    """
    for name, value in (("host", typed.host), ("username", typed.username), ("password", password)):
        if not 0 < len(value) <= LONGEST[name]:
            raise Unacceptable(name, "is missing or too long")
    if not (typed.port.isascii() and typed.port.isdigit() and 0 < int(typed.port) < 65536):
        raise Unacceptable("port", "is a number from 1 to 65535")
    if typed.security not in list(Security):
        raise Unacceptable("security", "is one of the three")
    address = given_address("address", typed.address)
    if not is_expected(link, address):
        raise AnotherAccount
    card = MailboxCard(
        user=link.wish.user,
        address=address,
        host=typed.host,
        port=int(typed.port),
        security=typed.security,
        username=typed.username,
    )
    grant = Grant("password", password)
    joining = Joining(service, link.workspace_id, link.wish.by)
    joining.prove(IMAP, card, grant)
    return joining.keep(
        IMAP,
        card,
        grant,
        since,
        keeps_since=link.mailbox_id is not None,
        expected=link.mailbox_id,
        holding=lambda connection: take(connection, link),
    )
