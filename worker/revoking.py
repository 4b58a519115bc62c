"""The end of a grant at its provider, step by step; whatever fails, the purge goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.base import Revocation
from connectors.errors import ConnectorError
from models.base import AnyRow
from models.queries import mailboxes
from privacy.contents import Grant
from privacy.vault import Shredded
from worker.connecting import IMAP, card_of, make_connector
from worker.grants import fresh_grant, read
from worker.providers import provider_of
from worker.subjects import holders
from worker.watches import held as watches_of

if TYPE_CHECKING:
    from worker.boot import Service

SHARED = "The grant is still in use."
DELEGATED = {
    "gmail": "Take back the domain-wide delegation, if nobody needs it any more.",
    "graph": "Take back the application's role in Exchange, if nobody needs it any more.",
}


def revoke(service: Service, workspace_id: int, mailbox_id: int) -> Mapping[str, Sequence[str]]:
    """End a mailbox's grant at its provider; say what was ended, and what only a person can end.

    First what the connector keeps there (a watch, say), which needs a token, then the grant.
    Whatever the provider answers, the purge goes on: what failed is in the answer.
    """
    with service.store.workspace(workspace_id) as connection:
        mailbox = mailboxes.find(connection, mailbox_id)
    if mailbox is None:
        return {"failed": ["mailbox already removed"]}
    try:
        held = read(service, workspace_id, mailbox_id).grant
    except (ConnectorError, Shredded) as error:
        return {"failed": [type(error).__name__]}
    if is_shared(service, held):
        return {"ended": [], "failed": [], "left_to_person": [SHARED]}
    steps = [end_in_connector(service, mailbox, held)]
    if held.is_renewable:
        # The connector's own word on a token is for those that we can't revoke.
        steps = [Revocation(steps[0].ended, steps[0].failed), end_grant(service, held)]
    return {
        "ended": [one for step in steps for one in step.ended],
        "failed": [one for step in steps for one in step.failed],
        "left_to_person": [one for step in steps for one in step.left_to_person],
    }


def is_shared(service: Service, held: Grant) -> bool:
    """Tell whether another connected mailbox rests on the same grant.

    Google ends all that a person granted to this installation at once, and has one watch
    for all: so the last mailbox of the account ends them, and another Client's doesn't go silent
    with this one.
    """
    provider = service.providers.get(held.provider)
    if held.kind != "oauth" or (provider is not None and not provider.revokes_account):
        return False
    return any(holders(service, held.provider, held.subject))


def end_in_connector(service: Service, mailbox: AnyRow, held: Grant) -> Revocation:
    """Let the connector end what it keeps at the provider."""
    try:
        # IMAP keeps nothing: no token is needed.
        grant = held if mailbox.provider == IMAP else fresh_grant(service, mailbox)
        key = service.vault.mailbox_key(mailbox.workspace_id, mailbox.id)
        watches = [one.name for one in watches_of(service, mailbox, key)]
        connector = make_connector(service, mailbox.provider, card_of(service, mailbox), grant)
        try:
            return connector.revoke(watches)
        finally:
            connector.close()
    except (ConnectorError, Shredded) as error:
        return Revocation(failed=(f"connector ({type(error).__name__})",))


def end_grant(service: Service, held: Grant) -> Revocation:
    """Revoke a grant at its provider."""
    if held.kind != "oauth":
        return Revocation(left_to_person=(DELEGATED[held.provider],))
    try:
        return provider_of(service, held.provider).revoke(held.secret, held.issuer)
    except ConnectorError as error:
        return Revocation(failed=(f"grant ({error.code})",))
