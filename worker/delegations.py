"""Delegations: an organisation's administrator gives access to named users' mailboxes.

At Google this is domain-wide delegation to a service account, at Microsoft an application of the
organisation's own. Its key could read everybody's mail, so it is sealed, is shown to nobody, and is
used for the named addresses only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from connectors.oauth import ClientRefused, GrantEnded, Provider, Tokens
from mail.address import Address
from models.base import AnyRow
from models.queries import grants
from privacy.contents import Grant, MailboxCard, Wish, seal_delegation
from privacy.order import Instruction
from worker.boot import Service
from worker.connect_links import known_mailbox
from worker.joining import Joining
from worker.mailboxes import Mailboxes
from worker.names import UnknownId, row_id
from worker.providers import provider_of
from worker.refused import AnotherWay, NotThere, Unacceptable

NO_ACCESS = {
    "gmail": "has no domain-wide delegation for gmail.readonly",
    "graph": "names an application that the tenant does not know",
}
NO_KEY = {
    "gmail": "is not a service account's key, or is refused",
    "graph": "is not an application's key (tenant, client_id, client_secret), or is refused",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A user of the CRM, and the address that is to be read."""

    user: str
    address: Address


@dataclass(frozen=True, slots=True)
class Delegations:
    """The delegations of one workspace; `by` says who asks."""

    service: Service
    workspace_id: int
    by: str

    def make(
        self, provider: str, key: dict[str, object], users: Sequence[Named], since: datetime | None
    ) -> tuple[int, list[int]]:
        """Try the key for every user, then keep it and their mailboxes; return the ids.

        Raises:
            Unacceptable: The key isn't one, or doesn't reach a user; nothing is kept.
            connectors.errors.ConnectorError: The provider can't be asked now.
            AnotherWay: An address is connected in another way.
        """
        for one in users:
            self.refuse_other_way(provider, one)
        at = provider_of(self.service, provider)
        secret = orjson.dumps(key).decode()
        given = [prove(at, secret, position, one) for position, one in enumerate(users)]
        id_ = self.keep(provider, secret)
        joining = Joining(self.service, self.workspace_id, self.by)
        joined = [
            joining.keep(
                provider,
                card_of(one),
                grant_of(provider, tokens),
                since,
                keeps_since=since is None,
                delegation=id_,
            )
            for one, tokens in zip(users, given, strict=True)
        ]
        return id_, [one.id for one in joined]

    def refuse_other_way(self, provider: str, one: Named) -> None:
        """Refuse a user whose mailbox is connected by another provider, before anything is kept.

        Raises:
            AnotherWay: It is.
        """
        wish = Wish(one.user, "", self.by, address=one.address)
        known = known_mailbox(self.service, self.workspace_id, wish)
        if known is not None and known.provider != provider:
            raise AnotherWay

    def keep(self, provider: str, secret: str) -> int:
        """Keep a key, sealed; return the delegation's id."""
        sealing = self.service.vault.workspace(self.workspace_id).sealing
        with self.service.store.workspace(self.workspace_id) as connection:
            id_ = grants.next_delegation_id(connection)
            grants.add_delegation(
                connection,
                id=id_,
                workspace_id=self.workspace_id,
                provider=provider,
                sealed=seal_delegation(sealing, self.workspace_id, id_, secret),
            )
        return id_

    def page(self, after: int, limit: int) -> tuple[Sequence[AnyRow], int | None]:
        """Return delegations behind a position, and the next position if there are more."""
        with self.service.store.workspace(self.workspace_id) as connection:
            rows = grants.delegations(connection, after, limit + 1)
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None

    def end(self, delegation: str, instruction: Instruction) -> list[int]:
        """Disconnect the mailboxes that rest on a delegation and destroy its key.

        Return the erasures.

        Raises:
            NotThere: The workspace has none of this id.
        """
        try:
            id_ = row_id(delegation)
        except UnknownId:
            raise NotThere from None
        with self.service.store.workspace(self.workspace_id) as connection:
            if grants.delegation(connection, id_) is None:
                raise NotThere
            resting = grants.resting_on(connection, id_)
        mailboxes = Mailboxes(self.service, self.workspace_id, self.by)
        orders = [mailboxes.disconnect(str(one), instruction) for one in resting]
        with self.service.store.workspace(self.workspace_id) as connection:
            grants.let_go_of(connection, id_)
        return orders


def prove(at: Provider, secret: str, position: int, one: Named) -> Tokens:
    """Return a token for a user, which shows that the key reaches the mailbox.

    Raises:
        Unacceptable: It doesn't, or it is no key.
    """
    try:
        return at.impersonate(secret, one.address)
    except GrantEnded:
        raise Unacceptable(
            f"users.{position}.address", "is not reached by the delegation"
        ) from None
    except ClientRefused as error:
        if str(error) == "unauthorized_client":
            raise Unacceptable("key", NO_ACCESS[at.name]) from None
        raise Unacceptable("key", NO_KEY[at.name]) from None


def card_of(one: Named) -> MailboxCard:
    """Return the card of a mailbox that is read for a user."""
    return MailboxCard(one.user, one.address, "", 0, "", one.address)


def grant_of(provider: str, tokens: Tokens) -> Grant:
    """Return the grant of a mailbox whose access rests on a delegation."""
    now = datetime.now(UTC)
    return Grant(
        kind="delegation",
        secret="",
        provider=provider,
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        scopes=tokens.scopes,
        granted_at=now,
        renewed_at=now,
    )
