"""The stand-in as a test holds it: starts it, names its URLs, and tells it what to do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from tests.fakes.common.keeping import Keeper, Listener
from tests.fakes.common.people import Client
from tests.fakes.common.stand_in import StandIn
from tests.fakes.microsoft.accounts import Account, new_account
from tests.fakes.microsoft.counters import Counters
from tests.fakes.microsoft.entra import scopes
from tests.fakes.microsoft.entra.refusals import ON_DEMAND
from tests.fakes.microsoft.entra.tenants import Tenant
from tests.fakes.microsoft.graph import refusals
from tests.fakes.microsoft.graph.notices import Notifier
from tests.fakes.microsoft.person import Person
from tests.fakes.microsoft.routes import Routes
from tests.fakes.microsoft.settings import Settings
from tests.fakes.microsoft.world import World
from tests.servers.authority import kept_authority, make_authority

CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
CLIENT_SECRET = "J2w8Q~stand-in-for-microsoft"


class Microsoft(StandIn[Settings, Account, Counters, Person]):
    """A stand-in for Microsoft on loopback; its methods may be called from any thread."""

    name = "microsoft"
    faulty = "graph.*"
    too_many = "TooManyRequests"

    def __init__(
        self,
        port: int = 0,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        ca_file: Path | None = None,
        redirect_uris: Iterable[str] = (),
        state: Path | None = None,
    ) -> None:
        """Serve by TLS, with a certificate for `localhost` or with one of its own authority.

        With `state`, what that file keeps is known again, and the authority lies beside it.
        """
        self._directory = tempfile.TemporaryDirectory(prefix="lm-microsoft")
        if certificate is None or key is None:
            own = Path(self._directory.name)
            made = kept_authority(state.with_name("authority")) if state else make_authority(own)
            certificate, key, ca_file = made.certificate, made.key, made.ca_file
        self.ca_file = ca_file
        client = Client(CLIENT_ID, CLIENT_SECRET, "Leadmail", set(redirect_uris))
        self._world = world = World(Settings(), Counters(), client)
        keeper = Keeper(world, state)
        self._notifier = Notifier(world)
        for known in world.accounts:
            self._tell_of_changes(known)
        super().__init__(
            world,
            Routes(world),
            self._hand_on,
            Person,
            (*refusals.NAMED, *ON_DEMAND),
            keeper,
            port,
            certificate,
            key,
        )
        world.endpoint_ca_file = str(ca_file) if ca_file else None
        self._notifier.start()

    def close(self) -> None:
        """Stop serving and sending."""
        super().close()
        self._notifier.close()
        self._directory.cleanup()

    def environment(self) -> dict[str, str]:
        """Return the settings that make Leadmail use this instead of Microsoft.

        Everything else follows from the metadata below the authority.
        """
        named = {"LEADMAIL_CA_FILE": str(self.ca_file)} if self.ca_file else {}
        return {
            "MICROSOFT_CLIENT_ID": CLIENT_ID,
            "MICROSOFT_CLIENT_SECRET": CLIENT_SECRET,
            "MICROSOFT_AUTHORITY": f"{self.url}/common",
            "GRAPH_API_URL": self.url,
            **named,
        }

    def add_account(
        self,
        address: str,
        name: str | None = None,
        oid: str | None = None,
        tenant: str | None = None,
        *,
        username: str | None = None,
        email: str | None = None,
        is_email_verified: bool = True,
        is_admin: bool = False,
        is_shared: bool = False,
    ) -> Person:
        """Make an account, at home in the tenant of its domain; personal if it is of Outlook.com.

        In another `tenant`, by its domain, it is a guest.
        """
        with self._world.lock:
            domain = address.rpartition("@")[2]
            home = self._world.tenants.of_domain(domain)
            here = self._world.tenants.of_domain(tenant) if tenant else home
            account = new_account(address, name, oid, here, self._world.clock)
            account.username = username or account.username
            account.email = email or account.email
            account.is_email_verified = is_email_verified
            account.is_admin, account.is_shared = is_admin, is_shared
            account.home = home if here is not home else None
            self._world.accounts.hold(account)
            self._tell_of_changes(account)
        return self._hand_on(account)

    def add_tenant(self, domain: str, tenant_id: str | None = None) -> str:
        """Make an organisation, if its domain has none, and return its id."""
        with self._world.lock:
            return self._world.tenants.of_domain(domain, tenant_id).id

    def add_certificate(self, pem: str, client_id: str = CLIENT_ID) -> None:
        """Register a certificate by which a program proves itself."""
        with self._world.lock:
            known = self._world.certificates.setdefault(client_id, [])
            known.append(x509.load_pem_x509_certificate(pem.encode()))

    def consent_needs_admin(self, domain: str, code: str = "90094") -> None:
        """Let people of an organisation not consent themselves; '' undoes it."""
        with self._world.lock:
            self._tenant(domain).needs_admin = code

    def consent_for_all(self, domain: str, scope: str = "Mail.Read") -> None:
        """Consent as the administrator, for all people of an organisation."""
        with self._world.lock:
            allowed = self._tenant(domain).allowed
            given = scopes.expanded(scope, self.url) | scopes.SIGN_IN
            allowed[CLIENT_ID] = allowed.get(CLIENT_ID, frozenset()) | given

    def permit_app(
        self,
        domain: str,
        roles: Iterable[str] = ("Mail.Read",),
        mailboxes: Iterable[str] | None = None,
    ) -> None:
        """Give the app permissions of its own, for these mailboxes only (RBAC) or for all."""
        with self._world.lock:
            tenant = self._tenant(domain)
            tenant.roles[CLIENT_ID] = frozenset(roles)
            tenant.reach.pop(CLIENT_ID, None)
            if mailboxes is not None:
                tenant.reach[CLIENT_ID] = frozenset(mailboxes)

    def app_token(self, domain: str) -> str:
        """Return an access token of the app's own, as client credentials give it."""
        with self._world.lock:
            tenant, client = self._tenant(domain), self._world.clients[CLIENT_ID]
            roles = tenant.roles[CLIENT_ID]
            grants = self._world.grants
            return grants.new_access_token(client, None, tenant, scopes.GRAPH, roles).text

    def forbid_app(self, domain: str) -> None:
        """Take the app's own permissions back."""
        with self._world.lock:
            self._tenant(domain).roles.pop(CLIENT_ID, None)

    def set_limits(
        self,
        concurrent: int | None = None,
        requests: int | None = None,
        window: timedelta | None = None,
    ) -> None:
        """Change how much an app may ask of a mailbox, and forget what it has asked."""
        with self._world.lock:
            settings = self._world.settings
            settings.concurrent = concurrent or settings.concurrent
            settings.requests = requests or settings.requests
            settings.window = window or settings.window
            self._world.limits.forget()

    def expire_access_tokens(self) -> None:
        """Let all access tokens be over."""
        with self._world.lock:
            self._world.grants.expire_access_tokens()

    def wait_for_notices(self, within: timedelta = timedelta(seconds=5)) -> bool:
        """Wait until no notice is on its way, and say whether that came to be."""
        return self._notifier.idle(within)

    def trust_endpoints(self, ca_file: Path | None) -> None:
        """Name the authority of the endpoints that notices are sent to."""
        with self._world.lock:
            self._world.endpoint_ca_file = str(ca_file) if ca_file else None

    def _tell_of_changes(self, account: Account) -> None:
        account.mailbox.on_change = Listener(lambda event: self._notifier.changed(account, event))

    def _hand_on(self, account: Account) -> Person:
        return Person(self._world, account, self._notifier)

    def _expanded(self, scope: str) -> frozenset[str]:
        return scopes.expanded(scope, self.url)

    def _tenant(self, domain: str) -> Tenant:
        found = self._world.tenants.find(domain)
        assert found is not None, f"there is no tenant {domain}"
        return found
