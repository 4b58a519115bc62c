"""The providers that this installation is registered with, as its settings say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.oauth import ClientRefused, Provider
from connectors.oauth.google import Google, GoogleUrls
from connectors.oauth.jwt import Keys
from connectors.oauth.microsoft import GRAPH, OUTLOOK_IMAP, Microsoft
from connectors.oauth.microsoft.account import Directory
from connectors.oauth.microsoft.entra import Client, Credential, Entra
from connectors.oauth.wire import Wire, origin_of
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.boot import Service

GOOGLE = "https://accounts.google.com"
GOOGLE_KEYS = "https://www.googleapis.com/oauth2/v3/certs"
KEYS_PATH = "/oauth2/v3/certs"
CALLBACK = "/oauth/callback"


def provider_of(service: Service, name: str) -> Provider:
    """Return a provider that this installation is registered with.

    Raises:
        ClientRefused: It isn't, or not any more: the operator has to act.
    """
    try:
        return service.providers[name]
    except KeyError:
        raise ClientRefused("the provider is not configured") from None


def build_providers(settings: Settings) -> Mapping[str, Provider]:
    """Return the configured providers by name."""
    found: list[Provider] = []
    google = build_google(settings)
    if google is not None:
        found.append(google)
    found += build_microsoft(settings)
    return {one.name: one for one in found}


def build_google(settings: Settings) -> Google | None:
    """Return Google, if this installation is registered there."""
    secret = settings.google_client_secret.get_secret_value()
    if not settings.google_client_id or not secret:
        return None
    urls = google_urls(settings)
    wire = build_wire(settings, urls.asked)
    return Google(
        client_id=settings.google_client_id,
        client_secret=secret,
        urls=urls,
        wire=wire,
        keys=Keys(wire, urls.keys),
        sends_iss=settings.google_sends_iss,
    )


def build_microsoft(settings: Settings) -> list[Microsoft]:
    """Return the ways to Microsoft's mail, if this installation is registered there."""
    credential = microsoft_credential(settings)
    if not settings.microsoft_client_id or not credential:
        return []
    wire = build_wire(settings, (settings.microsoft_authority, settings.graph_api_url))
    entra = Entra(settings.microsoft_authority, wire)
    ways = (GRAPH, OUTLOOK_IMAP) if settings.microsoft_imap_host else (GRAPH,)
    keys = Keys(wire, lambda: str(entra.configuration()["jwks_uri"]))
    return [
        Microsoft(
            client=Client(settings.microsoft_client_id, credential),
            entra=entra,
            wire=wire,
            keys=keys,
            directory=Directory(settings.graph_api_url, wire),
            way=way,
        )
        for way in ways
    ]


def microsoft_credential(settings: Settings) -> Credential:
    """Return what proves this installation to Microsoft; empty if there is nothing.

    Of a certificate that can't be read there is nothing: the doctor says so.
    """
    path = settings.microsoft_client_certificate
    if path is None:
        return settings.microsoft_client_secret.get_secret_value()
    try:
        held = path.read_text("ascii")
    except (OSError, ValueError):
        return ""
    return {"private_key": held, "public_certificate": held}


def build_wire(settings: Settings, urls: Collection[str]) -> Wire:
    """Return the way to a provider's servers."""
    return Wire(
        urls,
        None if settings.ca_file is None else str(settings.ca_file),
        timedelta(seconds=settings.oauth_timeout_seconds),
    )


def google_urls(settings: Settings) -> GoogleUrls:
    """Return Google's addresses; of a stand-in, those that aren't named lie beside the others.

    A stand-in may call itself Google, or by its own address.
    """
    origin = origin_of(settings.google_auth_url)
    beside = f"{origin_of(settings.google_token_url)}{KEYS_PATH}"
    return GoogleUrls(
        auth=settings.google_auth_url,
        token=settings.google_token_url,
        revoke=settings.google_revoke_url,
        keys=settings.google_keys_url or (GOOGLE_KEYS if origin == GOOGLE else beside),
        issuers=(settings.google_issuer,)
        if settings.google_issuer
        else tuple(dict.fromkeys((GOOGLE, origin))),
    )


def redirect_uri(settings: Settings) -> str:
    """Return where providers send browsers back to; it is registered there letter by letter."""
    return f"{settings.public_url.rstrip('/')}{CALLBACK}"
