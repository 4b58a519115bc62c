"""An app that acts for itself at Microsoft: its permissions, its secret or certificate."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives import serialization

from tests.fakes.common.keys import STRANGER, signing_key
from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET
from tests.fakes_own.outlook import application


def pair(number):
    """Return what msal proves a program by: a key and its certificate."""
    key = signing_key(number)
    private = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"private_key": private.decode(), "public_certificate": key.certificate}


def test_an_app_has_permissions_of_its_own_once_an_administrator_gave_them(microsoft, eva, browser):
    def acquired():
        # A new client each time: msal keeps a refusal for a minute.
        app = application(microsoft, "firm.example")
        return app.acquire_token_for_client(["https://graph.microsoft.com/.default"])

    before = acquired()
    microsoft.permit_app("firm.example", mailboxes=["eva@firm.example"])
    after = acquired()

    assert ("unauthorized_client", [700016]) == (before["error"], before["error_codes"])
    assert {"refresh_token", "id_token"}.isdisjoint(after)
    path = "/users/{}/messages?$select=id"
    microsoft.add_account("max@firm.example")
    token = after["access_token"]
    assert [] == browser.get(path.format(eva.oid), token=token)["value"]
    assert (403, "ErrorAccessDenied") == browser.refusal(
        path.format("max@firm.example"), token=token
    )
    assert (404, "ErrorInvalidUser") == browser.refusal(path.format("kim@x.example"), token=token)
    assert (400, "BadRequest") == browser.refusal("/me/messages", token=token)


def test_a_certificate_that_is_registered_proves_a_program(microsoft, eva):
    microsoft.permit_app("firm.example")
    microsoft.add_certificate(pair(STRANGER)["public_certificate"])

    def acquired(number, **more):
        app = application(microsoft, "firm.example", client_credential=pair(number) | more)
        return app.acquire_token_for_client(["https://graph.microsoft.com/.default"])

    assert "access_token" in acquired(STRANGER)
    assert ("invalid_client", [700027]) == (
        acquired(STRANGER + 1)["error"],
        acquired(STRANGER + 1)["error_codes"],
    )
    # One's own certificate named, and signed by another's key.
    forged = acquired(STRANGER, private_key=pair(STRANGER + 1)["private_key"])
    assert [700027] == forged["error_codes"]
    microsoft.advance(timedelta(hours=1))
    assert [700024] == acquired(STRANGER)["error_codes"]


def test_an_app_needs_a_tenant_and_the_default_scope(microsoft, eva, browser):
    microsoft.permit_app("firm.example")
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
    form |= {"client_secret": CLIENT_SECRET, "scope": "https://graph.microsoft.com/.default"}

    def codes(tenant, **changes):
        url = f"{microsoft.url}/{tenant}/oauth2/v2.0/token"
        return browser.client.post(url, data=form | changes).json()["error_codes"]

    assert [900023] == codes("common")
    assert [90002] == codes("unheard.example")
    assert [1002012] == codes("firm.example", scope="https://graph.microsoft.com/Mail.Read")
