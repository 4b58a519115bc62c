"""Settings of providers: Google's own by default, never in clear but on loopback."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from worker.providers import build_providers, google_urls
from worker.settings import Settings

OWN = {"google_client_id": "id", "google_client_secret": "secret"}


@pytest.mark.parametrize("name", ["auth", "token", "revoke", "keys"])
@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://oauth.example/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:9/x", True),
        ("http://oauth.example/x", False),
        ("http://127.0.0.1.evil.example/x", False),
        ("http://10.0.0.1/x", False),
        ("ftp://127.0.0.1/x", False),
        ("https://user@oauth.example/x", False),
        ("https://oauth.example/x#y", False),
        ("https:///x", False),
        ("oauth.example", False),
        ("", False),
    ],
)
def test_a_providers_url_never_sends_secrets_in_clear(name: str, url: str, *, is_good: bool):
    values = {f"google_{name}_url": url}

    if is_good:
        assert url == getattr(Settings.model_validate(values), f"google_{name}_url")
    else:
        with pytest.raises(ValidationError):
            Settings.model_validate(values)


def test_the_defaults_are_googles_own():
    urls = google_urls(Settings.model_validate(OWN))

    assert "https://accounts.google.com/o/oauth2/v2/auth" == urls.auth
    assert (
        "https://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com/revoke",
        "https://www.googleapis.com/oauth2/v3/certs",
    ) == urls.asked
    assert ("https://accounts.google.com",) == urls.issuers


def test_of_a_stand_in_the_keys_lie_beside_its_tokens():
    auth, token = "http://127.0.0.1:7/o/oauth2/v2/auth", "http://127.0.0.1:7/token"
    values = OWN | {"google_auth_url": auth, "google_token_url": token}

    urls = google_urls(Settings.model_validate(values))

    assert "http://127.0.0.1:7/oauth2/v3/certs" == urls.keys
    assert ("https://accounts.google.com", "http://127.0.0.1:7") == urls.issuers


@pytest.mark.parametrize(
    ("given", "names"), [({}, []), ({"google_client_id": "id"}, []), (OWN, ["gmail"])]
)
def test_only_who_is_registered_is_offered(given: dict[str, str], names: list[str]):
    providers = build_providers(Settings.model_validate(given))

    assert names == list(providers)
    for one in providers.values():
        one.close()


def test_the_clients_secret_is_not_printed():
    settings = Settings.model_validate(OWN | {"google_client_secret": "GOCSPX-geheim"})

    assert "GOCSPX-geheim" not in repr(settings)
