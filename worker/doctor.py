"""`leadmail doctor`: looks at everything the service stands on; every problem with its remedy."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import redis
from dramatiq.errors import BrokerConnectionError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connectors.errors import ConnectorError
from models.queries import server
from models.store import Store
from privacy.vault import KeyRefused
from worker.alive import Finding, check_clock, check_files, check_queue, check_watcher
from worker.boot import NotConfigured, Service
from worker.boot import read_settings as read
from worker.migrate import is_current
from worker.providers import microsoft_credential
from worker.settings import Settings

LEAST_FREE_BYTES = 1024**3
CLOCK_SKEW = timedelta(seconds=5)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one that fails doesn't keep the others from being looked at."""
    service = Service(settings)
    checks: list[tuple[str, Callable[[Service], Iterator[Finding]]]] = [
        ("settings", check_settings),
        ("master keys", check_keys),
        ("data database", lambda s: check_database(s.store, "data", "DATABASE_URL")),
        ("vault", lambda s: check_database(s.vault_store, "vault", "VAULT_DATABASE_URL")),
        ("databases apart", check_apart),
        ("redis", check_redis),
        ("google", check_google),
        ("microsoft", check_microsoft),
        ("queue", check_queue),
        ("clock", check_clock),
        ("watcher", check_watcher),
        ("open files", check_files),
        ("disk", check_disk),
    ]
    findings: list[Finding] = []
    try:
        for subject, check in checks:
            found = list(guarded(subject, check, service))
            findings += found or [Finding(subject)]
    finally:
        service.close()
    return findings


def guarded(
    subject: str, check: Callable[[Service], Iterator[Finding]], service: Service
) -> Iterator[Finding]:
    """Yield what a check finds, or why it couldn't be made."""
    try:
        yield from check(service)
    except NotConfigured as error:
        yield Finding(subject, "not configured", str(error))
    except KeyRefused as error:
        yield Finding(subject, str(error), "set LEADMAIL_MASTER_KEYS to the keys in use")
    except (DBAPIError, SQLAlchemyError) as error:
        yield Finding(
            subject, f"unreachable ({type(error).__name__})", "start it, or correct its URL"
        )
    except (redis.RedisError, BrokerConnectionError) as error:
        yield Finding(
            subject,
            f"unreachable ({type(error).__name__})",
            "start it, or correct REDIS_URL or BROKER_URL",
        )


def check_settings(service: Service) -> Iterator[Finding]:
    """Look for settings that are unsafe or contradict each other."""
    settings = service.settings
    public = urlsplit(settings.public_url)
    if public.scheme != "https" and public.hostname not in ("127.0.0.1", "localhost", "::1"):
        yield Finding(
            "public url",
            "it is not https",
            "put a TLS proxy before the web process and set LEADMAIL_PUBLIC_URL to https://…",
        )
    if settings.ca_file is not None:
        try:
            ssl.create_default_context(cafile=str(settings.ca_file))
        except OSError as error:
            problem = "is no certificate" if isinstance(error, ssl.SSLError) else "can't be read"
            yield Finding(
                "certificate authorities",
                f"the file that LEADMAIL_CA_FILE names {problem}",
                "correct the path, or unset it",
            )


def check_keys(service: Service) -> Iterator[Finding]:
    """See that the master keys open what they sealed: the signing key is such a thing."""
    _ = service.signer
    yield from ()


def check_database(store: Store, name: str, setting: str) -> Iterator[Finding]:
    """See that a database answers, is migrated, has its roles, and shares our time."""
    with store.engine.connect() as connection:
        if abs(datetime.now(UTC) - server.time(connection)) > CLOCK_SKEW:
            yield Finding(
                f"{name} clock",
                "it differs from this machine's by more than 5 s",
                "run a time service on both",
            )
        if not is_current(name, connection):
            yield Finding(
                f"{name} schema",
                "it is not migrated to this version",
                "run `leadmail migrate`",
            )
            return
    try:
        with store.system() as connection:
            passes = server.passes_walls(connection)
    except DBAPIError:
        yield Finding(
            f"{name} roles",
            f"the user of {setting} may not take leadmail_app and leadmail_system",
            "run `leadmail migrate` as the owner, or GRANT both roles to the user",
        )
        return
    if passes:
        yield Finding(
            f"{name} roles",
            "the service's role can pass row-level security",
            "ALTER ROLE leadmail_system NOSUPERUSER NOBYPASSRLS",
        )


def check_apart(service: Service) -> Iterator[Finding]:
    """See that keys and what they seal are in databases of their own (invariant 6)."""
    if service.settings.database_url == service.settings.vault_database_url:
        yield Finding(
            "databases apart",
            "the vault is the data database: its backups would hold the keys",
            "set VAULT_DATABASE_URL to a database with backups of its own",
        )


def check_redis(service: Service) -> Iterator[Finding]:
    """See that Redis answers and neither evicts nor forgets needlessly."""
    service.redis.ping()
    try:
        policy = service.redis.config_get("maxmemory-policy").get("maxmemory-policy")
    except redis.ResponseError:
        # One that is managed by others doesn't tell.
        return
    if policy not in ("noeviction", None):
        yield Finding(
            "redis",
            f"maxmemory-policy is {policy}: it may drop messages",
            "set it to noeviction; nothing is lost without, but it comes later",
        )


def check_google(service: Service) -> Iterator[Finding]:
    """See that the registration at Google is whole, and that its keys are to be had."""
    settings = service.settings
    has_secret = bool(settings.google_client_secret.get_secret_value())
    yield from check_pair("google", "Gmail", settings.google_client_id, is_proven=has_secret)
    yield from check_provider(service, "gmail", "GOOGLE_KEYS_URL")


def check_microsoft(service: Service) -> Iterator[Finding]:
    """See that the registration at Microsoft is whole, and that its authority answers."""
    settings = service.settings
    is_proven = bool(microsoft_credential(settings))
    if settings.microsoft_client_certificate is not None and not is_proven:
        yield Finding(
            "microsoft",
            "the file that MICROSOFT_CLIENT_CERTIFICATE names can't be read",
            "correct the path, or let this user read it; it holds key and certificate in PEM",
        )
    yield from check_pair("microsoft", "Outlook", settings.microsoft_client_id, is_proven=is_proven)
    yield from check_provider(service, "graph", "MICROSOFT_AUTHORITY")
    if "graph" in service.providers and not settings.public_url.startswith("https:"):
        yield Finding(
            "microsoft",
            "Graph rings at https only: mailboxes are polled",
            "set LEADMAIL_PUBLIC_URL to the https:// address that Microsoft can reach",
        )


def check_pair(subject: str, offered: str, client_id: str, *, is_proven: bool) -> Iterator[Finding]:
    """See that a registration has both halves, or none."""
    if bool(client_id) != is_proven:
        name = subject.upper()
        yield Finding(
            subject,
            f"only one of {name}_CLIENT_ID and {name}_CLIENT_SECRET is set",
            f"set both, or neither: then {offered} isn't offered",
        )


def check_provider(service: Service, name: str, setting: str) -> Iterator[Finding]:
    """See that a provider's keys are to be had, if there is one of this name."""
    provider = service.providers.get(name)
    if provider is None:
        return
    try:
        provider.check()
    except ConnectorError as error:
        yield Finding(
            provider.name,
            f"its keys can't be had ({type(error).__name__})",
            f"let this machine reach {setting}, or correct it",
        )


def check_disk(service: Service) -> Iterator[Finding]:
    """See that there is room where the embedded servers keep their data."""
    data = service.settings.data
    if data.exists() and shutil.disk_usage(data).free < LEAST_FREE_BYTES:
        yield Finding("disk", f"less than 1 GiB is free at {data}", "make room")


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """Return the settings, or what is wrong with them, each by its name."""
    try:
        return read(), []
    except ValidationError as error:
        return None, [
            Finding(str(part["loc"][0]), part["msg"], "correct the environment variable")
            for part in error.errors(include_input=False, include_url=False)
        ]
