"""The only place that builds things: from the settings to a service that works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlsplit

import redis

from connectors.egress import Egress
from connectors.oauth import Provider
from connectors.oauth.google import Google
from connectors.oauth.risc import SecurityEvents
from connectors.oauth.wire import Wire
from models.store import Store
from privacy.order import Orders
from privacy.purge import Purge
from privacy.removal import Removal
from privacy.signer import Signer
from privacy.sweep import Sweep
from privacy.vault import MasterKeys, Vault
from privacy.verifier import Verifier
from worker.broker import connect_redis
from worker.doorbell import Doorbell
from worker.policy import Policies
from worker.providers import build_providers
from worker.revoking import revoke
from worker.sealers import Sealers
from worker.settings import Settings
from worker.traces import clear_redis, count_in_redis


class NotConfigured(Exception):
    """A setting that this needs is missing or wrong; the text is the remedy."""


@dataclass(frozen=True)
class Service:
    """Everything a process needs, built once and when it is first asked for."""

    settings: Settings

    @cached_property
    def store(self) -> Store:
        """The data database."""
        return Store.at(required(self.settings.database_url, "DATABASE_URL"))

    @cached_property
    def vault_store(self) -> Store:
        """The vault's database."""
        return Store.at(required(self.settings.vault_database_url, "VAULT_DATABASE_URL"))

    @cached_property
    def masters(self) -> MasterKeys:
        """The master keys."""
        setting = self.settings.master_keys.get_secret_value()
        return MasterKeys.parse(required(setting, "LEADMAIL_MASTER_KEYS"))

    @cached_property
    def vault(self) -> Vault:
        """The vault."""
        return Vault(self.vault_store, self.masters)

    @cached_property
    def signer(self) -> Signer:
        """What signs certificates."""
        return Signer.of(self.vault_store, self.masters)

    @cached_property
    def orders(self) -> Orders:
        """What writes orders to erase."""
        return Orders(self.store, self.vault)

    @cached_property
    def policies(self) -> Policies:
        """What concerns a lead, per workspace."""
        return Policies(self.store)

    @cached_property
    def redis(self) -> redis.Redis:
        """Redis, the doorbell."""
        return connect_redis(required(self.settings.redis_url, "REDIS_URL"))

    @cached_property
    def egress(self) -> Egress:
        """The one way out to mail hosts."""
        ca_file = self.settings.ca_file
        return Egress(self.settings.allow_hosts, None if ca_file is None else str(ca_file))

    @cached_property
    def api_egress(self) -> Egress:
        """The one way out to the providers' APIs: to the hosts that the settings name."""
        ca_file = self.settings.ca_file
        hosts = [host_of(self.settings.gmail_api_url)]
        return Egress(hosts, None if ca_file is None else str(ca_file), ports=())

    @cached_property
    def graph_wire(self) -> Wire:
        """The one way to Graph, with the connections that all mailboxes share."""
        settings, ca_file = self.settings, self.settings.ca_file
        return Wire(
            [settings.graph_api_url],
            None if ca_file is None else str(ca_file),
            timedelta(seconds=settings.mail_timeout_seconds),
        )

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """The providers that people can agree at, by name."""
        return build_providers(self.settings)

    @property
    def google(self) -> Google | None:
        """Google, if this installation is registered there."""
        google = self.providers.get("gmail")
        return google if isinstance(google, Google) else None

    @cached_property
    def google_events(self) -> SecurityEvents | None:
        """What believes Google's security events, if this installation is registered there."""
        google = self.google
        if google is None:
            return None
        return SecurityEvents(google.urls.issuers, google.client_id, google.keys)

    @cached_property
    def doorbell(self) -> Doorbell:
        """What rings the workers."""
        return Doorbell(self.redis)

    @cached_property
    def sealers(self) -> Sealers:
        """What parses and seals mail."""
        return Sealers()

    @cached_property
    def removal(self) -> Removal:
        """What mirrors removals upstream."""
        return Removal(self.store, self.vault)

    @cached_property
    def sweep(self) -> Sweep:
        """What shreds keys of mails that were never stored."""
        return Sweep(self.store, self.vault)

    @cached_property
    def purge(self) -> Purge:
        """What carries orders to erase out."""
        return Purge(
            self.store,
            self.vault,
            Verifier(self.store, self.vault_store, partial(count_in_redis, self.redis)),
            self.signer,
            partial(revoke, self),
            partial(clear_redis, self.redis),
        )

    def close(self) -> None:
        """Close whatever was opened."""
        for name in ("store", "vault_store"):
            if name in self.__dict__:
                self.__dict__[name].close()
        for provider in self.__dict__.get("providers", {}).values():
            provider.close()
        if "graph_wire" in self.__dict__:
            self.graph_wire.close()
        if "redis" in self.__dict__:
            self.redis.close()


def host_of(url: str) -> str:
    """Return the host and port of a URL."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def required(value: str, name: str) -> str:
    """Return the value of a setting that can't be done without.

    Raises:
        NotConfigured: It isn't set.
    """
    if not value:
        raise NotConfigured(f"{name} is not set: see docs/settings.md, or use `leadmail up`")
    return value


def boot(settings: Settings | None = None) -> Service:
    """Return the service that the environment describes."""
    return Service(settings or read_settings())


def read_settings() -> Settings:
    """Return the settings; what the environment lacks, `leadmail up` has written down.

    Raises:
        pydantic.ValidationError: A setting is wrong; its input isn't repeated.
    """
    home = Path(os.environ.get("LEADMAIL_DATA", ".leadmail"))
    return Settings(_env_file=home / "environment")  # type: ignore[call-arg]  # of pydantic-settings
