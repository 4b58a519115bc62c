"""A hand on one account: what its person does, and what befalls the account at Entra."""

from __future__ import annotations

import copy

from tests.fakes.common.hand import Hand
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.counters import UserCounters
from tests.fakes.microsoft.entra import scopes
from tests.fakes.microsoft.entra.refusals import Denied, coded
from tests.fakes.microsoft.world import World

READING = "openid profile email offline_access Mail.Read"


class Member(Hand[World, Account]):
    """An account at Entra; may be used from any thread."""

    @property
    def oid(self) -> str:
        """The account's lasting id."""
        return self._account.oid

    @property
    def tid(self) -> str:
        """The tenant's id."""
        return self._account.tid

    @property
    def sub(self) -> str:
        """The subject that Leadmail knows the account by."""
        return self._account.sub(next(iter(self._world.clients)))

    @property
    def identity(self) -> dict[str, str]:
        """How it is named when an order returns it."""
        return {"address": self.address, "oid": self.oid, "tid": self.tid, "sub": self.sub}

    def grant(self, scope: str = READING, client_id: str | None = None) -> dict[str, str]:
        """Allow a program what it wants, without a browser; return both tokens."""
        with self._world.lock:
            clients = self._world.clients
            client = clients[client_id] if client_id else next(iter(clients.values()))
            wanted = scopes.expanded(scope, self._world.url)
            grants = self._world.grants
            grant = grants.allow(client, self._account, wanted)
            refresh = grants.new_refresh_token(grant)
            names = scopes.of_resource(wanted, scopes.GRAPH)
            access = grants.new_access_token(
                client, self._account, self._account.tenant, scopes.GRAPH, names
            )
            return {"refresh_token": refresh.text, "access_token": access.text}

    def is_granted(self) -> bool:
        """Say whether any program holds a consent of this person."""
        with self._world.lock:
            return any(True for _ in self._world.grants.of(self._account))

    def revoke(self) -> None:
        """Revoke all sessions, as an administrator or the person can: 50173 from now on."""
        with self._world.lock:
            self._world.grants.refuse_refresh(self._account, coded(50173))
            self._world.grants.expire_access_tokens(self._account)

    def withdraw_consent(self) -> None:
        """Take back what was allowed, at myapps: 65001 from now on."""
        with self._world.lock:
            self._world.grants.withdraw(self._account)
            self._world.grants.expire_access_tokens(self._account)

    def change_password(self) -> None:
        """Change the password, which a confidential client's refresh tokens survive."""
        with self._world.lock:
            self._world.grants.expire_access_tokens(self._account)

    def expire_access_tokens(self) -> None:
        """Let all access tokens of the account be over; refresh tokens stay."""
        with self._world.lock:
            self._world.grants.expire_access_tokens(self._account)

    def expire_refresh_tokens(self) -> None:
        """Let all refresh tokens of the account be too old: 700082."""
        with self._world.lock:
            self._world.grants.expire_refresh_tokens(self._account)

    def require(self, code: int = 50076, error: str = "invalid_grant") -> None:
        """Refuse every refresh with a code until the person has come to the authorization page.

        Some of Entra's answers say `interaction_required` where others say `invalid_grant`.
        """
        with self._world.lock:
            known = coded(code)
            self._account.demand = Denied(
                code, error, known.says, known.status, known.suberror, known.claims
            )

    def challenge(self, claims: str | None = None, *, needs_person: bool = False) -> str:
        """Let Graph answer with a claims challenge to who understands them (`cp1`); return it.

        A token that is asked for with these claims is good, unless only the person can bring them.
        """
        with self._world.lock:
            demanded = claims or '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
            self._account.challenges[demanded] = needs_person
            return demanded

    def go_unchallenged(self) -> None:
        """Undo `challenge` and `require`."""
        with self._world.lock:
            self._account.challenges.clear()
            self._account.demand = None

    def disable(self) -> None:
        """Disable the account: no sign-in, no refresh (50057), no mail."""
        with self._world.lock:
            self._account.is_disabled = True

    def enable(self) -> None:
        """Undo `disable`."""
        with self._world.lock:
            self._account.is_disabled = False

    def rename(self, address: str) -> None:
        """Give the account another address and name; its ids, mail and grants stay."""
        with self._world.lock:
            assert self._world.accounts.find(address) is None, f"{address} exists"
            account = self._account
            account.address = account.username = account.mailbox.address = address
            account.email = address

    def share_with(self, address: str) -> None:
        """Let another person read this mailbox as a shared one."""
        with self._world.lock:
            other = self._world.accounts.find(address)
            assert other is not None, f"there is no account {address}"
            self._account.delegates.add(other.oid)

    def counters(self) -> UserCounters:
        """Return a copy of what was asked of this mailbox."""
        with self._world.lock:
            return copy.deepcopy(self._world.counters.of(self.address))
