"""The settings: environment variables, read once; a wrong one is named, never guessed."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from connectors.gmail import account as gmail
from connectors.graph import account as graph

MIB = 1024 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def guarded_url(value: str) -> str:
    """Refuse a provider's URL over which secrets would travel in clear.

    Raises:
        ValueError: It is no absolute `https://` URL, nor an `http://` one on loopback.
    """
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a URL with a host and without user, query and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("must begin with https://, or be on loopback")
    return value


ProviderUrl = Annotated[str, AfterValidator(guarded_url)]


def authority_url(value: str) -> str:
    """Return an authority as `https://host/tenant`; without a tenant it is for all accounts.

    Raises:
        ValueError: It is none, or not https, which msal demands on loopback too.
    """
    parts = urlsplit(value)
    tenant = parts.path.strip("/") or "common"
    if parts.scheme != "https" or "/" in tenant:
        raise ValueError("must be https://host/tenant: a tenant's id, common or organizations")
    return f"{parts.scheme}://{parts.netloc}/{tenant}"


AuthorityUrl = Annotated[ProviderUrl, AfterValidator(authority_url)]


class Settings(BaseSettings):
    """What the environment says (`docs/settings.md`); sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    database_url: str = ""
    vault_database_url: str = ""
    redis_url: str = ""
    broker_url: str = ""
    public_url: str = Field(default="http://127.0.0.1:8000", validation_alias="LEADMAIL_PUBLIC_URL")
    master_keys: SecretStr = Field(default=SecretStr(""), validation_alias="LEADMAIL_MASTER_KEYS")
    data: Path = Field(default=Path(".leadmail"), validation_alias="LEADMAIL_DATA")
    allow_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), validation_alias="LEADMAIL_ALLOW_HOSTS"
    )
    ca_file: Path | None = Field(default=None, validation_alias="LEADMAIL_CA_FILE")
    gmail_api_url: ProviderUrl = Field(default=gmail.API_URL, validation_alias="GMAIL_API_URL")
    gmail_pubsub_topic: str = Field(default="", validation_alias="GMAIL_PUBSUB_TOPIC")
    gmail_push_service_account: str = Field(
        default="", validation_alias="GMAIL_PUSH_SERVICE_ACCOUNT"
    )
    gmail_push_audience: str = Field(default="", validation_alias="GMAIL_PUSH_AUDIENCE")
    gmail_units_per_minute: int = Field(
        default=6000, ge=600, validation_alias="GMAIL_UNITS_PER_MINUTE"
    )
    gmail_costs: Annotated[dict[str, int], NoDecode] = Field(
        default_factory=lambda: dict(gmail.COSTS), validation_alias="GMAIL_COSTS"
    )
    log_level: str = Field(default="info", validation_alias="LEADMAIL_LOG_LEVEL")

    poll_seconds: int = Field(default=300, ge=1, validation_alias="LEADMAIL_POLL_SECONDS")
    clock_seconds: float = Field(default=2.0, gt=0, validation_alias="LEADMAIL_CLOCK_SECONDS")
    slice_seconds: float = Field(default=20.0, gt=0, validation_alias="LEADMAIL_SLICE_SECONDS")
    lease_seconds: int = Field(default=20, ge=2, validation_alias="LEADMAIL_LEASE_SECONDS")
    max_message_bytes: int = Field(
        default=35 * MIB, ge=MIB, validation_alias="LEADMAIL_MAX_MESSAGE_BYTES"
    )
    imap_day_bytes: int = Field(
        default=2_000_000_000, ge=MIB, validation_alias="LEADMAIL_IMAP_DAY_BYTES"
    )
    batch_bytes: int = Field(default=8 * MIB, ge=MIB, validation_alias="LEADMAIL_BATCH_BYTES")
    mail_timeout_seconds: float = Field(
        default=30.0, gt=0, validation_alias="LEADMAIL_MAIL_TIMEOUT_SECONDS"
    )

    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    google_auth_url: ProviderUrl = "https://accounts.google.com/o/oauth2/v2/auth"
    google_token_url: ProviderUrl = "https://oauth2.googleapis.com/token"
    google_revoke_url: ProviderUrl = "https://oauth2.googleapis.com/revoke"
    google_keys_url: ProviderUrl | None = None
    google_issuer: ProviderUrl | None = None
    google_sends_iss: bool = True
    microsoft_client_id: str = ""
    microsoft_client_secret: SecretStr = SecretStr("")
    microsoft_client_certificate: Path | None = None
    microsoft_authority: AuthorityUrl = "https://login.microsoftonline.com/common"
    graph_api_url: ProviderUrl = graph.API_URL
    graph_calls_at_once: int = Field(default=3, ge=1, le=4)
    graph_requests_per_ten_minutes: int = Field(default=10_000, ge=100)
    microsoft_imap_host: str = ""
    oauth_timeout_seconds: float = Field(
        default=20.0, gt=0, validation_alias="LEADMAIL_OAUTH_TIMEOUT_SECONDS"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, or what `leadmail up` left for commands in its directory.

        Never a mixture of both: one installation's keys are no good for another's database.
        """
        if os.environ.get("DATABASE_URL"):
            return init_settings, env_settings
        left = Path(os.environ.get("LEADMAIL_DATA") or ".leadmail") / "environment"
        return init_settings, env_settings, DotEnvSettingsSource(settings_cls, env_file=left)

    @field_validator("allow_hosts", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        """Read a list parted by commas."""
        if isinstance(value, str):
            return tuple(part for part in map(str.strip, value.split(",")) if part)
        return value

    @field_validator("gmail_costs", mode="before")
    @classmethod
    def read_costs(cls, value: object) -> object:
        """Read `method=units` parted by commas; what isn't named keeps its units."""
        if not isinstance(value, str):
            return value
        pairs = (part.partition("=") for part in value.split(",") if part.strip())
        return {**gmail.COSTS, **{name.strip(): units for name, _, units in pairs}}

    @property
    def poll(self) -> timedelta:
        """How long a mailbox stays unpolled at most (F10)."""
        return timedelta(seconds=self.poll_seconds)

    @property
    def lease(self) -> timedelta:
        """How long a silent worker keeps a mailbox to itself."""
        return timedelta(seconds=self.lease_seconds)
