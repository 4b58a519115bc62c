"""What Entra publishes: OpenID metadata, instance discovery, and the keys it signs with.

For `common` and `organizations` the issuer is a template: `{tenantid}` stands for the `tid` of each
token.

Seen: 2026-11-25, msal 1.39. It refuses an authority or a token endpoint that isn't https. It asks
login.microsoftonline.com whether it knows an authority of another host. `instance_discovery` may
name another address to ask, as the one here, and still a silent acquisition that fails goes on to
ask Microsoft's; so only `instance_discovery=False` keeps it at home. The port of an authority is
kept for the metadata, but not in what discovery is asked. It checks no signature and no issuer of
an ID token, and it warns when a flow begins without `response_mode=form_post`.
"""

from __future__ import annotations

import base64
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.fakes.common.keys import SigningKey
from tests.fakes.common.wire import Answer, Call, json_answer
from tests.fakes.microsoft.entra.refusals import unknown_tenant
from tests.fakes.microsoft.entra.tenants import CONSUMERS
from tests.fakes.microsoft.world import World

_KEPT = {"cache-control": "max-age=86400, private"}
_TEMPLATE = "{tenantid}"


def issuer(world: World, tenant_id: str) -> str:
    """Return how tokens of a tenant name who issued them."""
    return f"{world.url}/{tenant_id}/v2.0"


def configuration(world: World, call: Call, tenant: str) -> Answer:
    """Answer `GET /{tenant}/v2.0/.well-known/openid-configuration`."""
    if not world.tenants.is_served(tenant):
        return unknown_tenant(tenant).answer(world.clock.now())
    here = f"{world.url}/{tenant}"
    return json_answer(
        {
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                *("client_secret_post", "private_key_jwt", "client_secret_basic"),
            ],
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer(world, _named(world, tenant)),
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{world.url}/oidc/userinfo",
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{here}/oauth2/v2.0/logout",
            "claims_supported": [
                *("sub", "iss", "cloud_instance_name", "cloud_graph_host_name", "msgraph_host"),
                *("aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name"),
                *("tid", "ver", "at_hash", "c_hash", "email"),
            ],
            "tenant_region_scope": None,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": "graph.microsoft.com",
            "rbac_url": "https://pas.windows.net",
        },
        headers=_KEPT,
        pretty=False,
    )


def discovery(world: World, call: Call) -> Answer:
    """Answer `GET /common/discovery/instance`: is an authority's host one of ours."""
    asked = urllib.parse.urlsplit(call.parameter("authorization_endpoint") or "")
    own = urllib.parse.urlsplit(world.url)
    if asked.hostname != own.hostname:
        told = {
            "error": "invalid_instance",
            "error_description": "AADSTS50049: Unknown or invalid instance.",
            "error_codes": [50049],
        }
        return json_answer(told, 400, pretty=False)
    tenant = asked.path.strip("/").partition("/")[0]
    host = own.hostname or ""
    return json_answer(
        {
            "tenant_discovery_endpoint": (
                f"{world.url}/{tenant}/v2.0/.well-known/openid-configuration"
            ),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        },
        headers=_KEPT,
        pretty=False,
    )


def key_set(world: World, call: Call, tenant: str) -> Answer:
    """Answer `GET /{tenant}/discovery/v2.0/keys`; each key says whose tokens it is good for."""
    named = issuer(world, _named(world, tenant))
    published = [
        {**jwk, "x5t": jwk["kid"], "x5c": [_certificate(key)], "issuer": named}
        for jwk, key in zip(world.keys.jwks()["keys"], world.keys.published, strict=True)
    ]
    for jwk in published:
        # Entra names no algorithm in its keys; who verifies must know it.
        jwk.pop("alg", None)
    return json_answer({"keys": published}, headers=_KEPT, pretty=False)


def _named(world: World, tenant: str) -> str:
    if tenant.casefold() in {"common", "organizations"}:
        return _TEMPLATE
    found = world.tenants.find(tenant)
    return found.id if found else CONSUMERS


def _certificate(key: SigningKey) -> str:
    loaded = x509.load_pem_x509_certificate(key.certificate.encode())
    return base64.b64encode(loaded.public_bytes(serialization.Encoding.DER)).decode()
