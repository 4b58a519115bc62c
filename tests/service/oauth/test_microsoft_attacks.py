"""What only Microsoft's flow can be attacked by: tenants, guests, and addresses that prove nothing.

Each case is followed by its control where the way itself could be what failed.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from connectors.oauth import ClientRefused, Unproven
from tests.fakes.common.keys import STRANGER, signing_key
from tests.fakes.common.wire import Answer, Call
from tests.fakes.microsoft.entra import metadata
from tests.fakes.microsoft.routes import ENTRA, Handler
from tests.fakes.microsoft.world import World
from tests.service.oauth.ground import Flow, changed, query_of
from tests.service.oauth.sides import GRAPH, NUMBERS
from worker.providers import build_microsoft

SIDES = (GRAPH,)
Routes = dict[tuple[str, str], tuple[str, Handler]]


def address(domain: str) -> str:
    return f"p{next(NUMBERS)}@{domain}"


def test_only_what_is_needed_is_asked_for(flow: Flow):
    asked = query_of(flow.begin())

    graph = flow.stand_in.url
    assert {
        *(f"{graph}/Mail.Read", f"{graph}/User.Read"),
        *("openid", "profile", "offline_access"),
    } == set(asked["scope"].split())
    assert ("code", "query", "S256", "select_account") == (
        asked["response_type"],
        asked["response_mode"],
        asked["code_challenge_method"],
        asked["prompt"],
    )
    assert min(len(asked["state"]), len(asked["nonce"]), len(asked["code_challenge"])) >= 43
    assert f"{flow.url}/oauth/callback" == asked["redirect_uri"]


def test_the_grant_is_the_accounts_in_its_tenant(flow: Flow):
    person = flow.member()

    grant = flow.grant(flow.connect(person))

    assert flow.side.subject_of(person) == grant.subject
    assert f"{flow.stand_in.url}/{person.tid}/v2.0" == grant.issuer
    assert {"Mail.Read", "User.Read"} <= set(grant.scopes)


@pytest.mark.parametrize("is_verified", [True, False])
def test_noauth_an_address_that_a_tenant_wrote_into_the_account_is_not_believed(
    flow: Flow, is_verified: bool
):
    victim = flow.member()
    attacker = flow.microsoft.add_account(
        address("evil.example"), email=victim.address, is_email_verified=is_verified
    )
    wished = flow.link(user="8", address=victim.address)

    own = flow.connected(flow.come_back(flow.agree(flow.begin(), attacker)))
    claimed = flow.outcome(flow.come_back(flow.agree(flow.begin(wished), attacker)))

    assert attacker.address == flow.crm.get(f"/v1/mailboxes/{own}")["address"]
    assert "other-account" == claimed
    # The control: the true account is taken.
    assert flow.connected(flow.come_back(flow.agree(flow.begin(wished), victim)))


def test_noauth_a_user_name_that_is_somebody_elses_address_is_not_believed(flow: Flow):
    victim = flow.member()
    attacker = flow.microsoft.add_account(address("evil.example"), username=victim.address)

    mailbox = flow.connected(flow.come_back(flow.agree(flow.begin(), attacker)))

    assert attacker.address == flow.crm.get(f"/v1/mailboxes/{mailbox}")["address"]


def test_f19_whoever_gets_an_address_later_does_not_get_the_mailbox(flow: Flow):
    person = flow.member()
    given = person.address
    mailbox = flow.connect(person, user="7")
    before = flow.held(mailbox)
    person.rename(address("firm.example"))
    heir = flow.microsoft.add_account(given, oid="99999999-2222-3333-4444-555555555555")

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(flow.link(user="7")), heir)))

    assert "other-account" == ended
    assert before == flow.held(mailbox)


def test_a_guests_mailbox_is_at_home_elsewhere(flow: Flow):
    guest = flow.microsoft.add_account(address("home.example"), tenant="host.example")

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(), guest)))

    assert "no-mailbox" == ended
    assert [] == flow.mailboxes()


def test_an_account_without_a_mailbox_connects_nothing(flow: Flow):
    person = flow.member()
    flow.stand_in.fail_next("MailboxNotEnabledForRESTAPI", 1, "graph.mailFolders.get")

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(), person)))

    assert "no-mailbox" == ended
    assert [] == flow.mailboxes()


def test_a_personal_account_is_connected_too(flow: Flow):
    person = flow.member("outlook.com")

    mailbox = flow.connect(person)

    assert person.address == flow.crm.get(f"/v1/mailboxes/{mailbox}")["address"]


def test_the_access_token_of_another_account_is_refused(flow: Flow):
    victim, attacker = flow.member(), flow.member()
    stolen = victim.grant("openid profile offline_access Mail.Read User.Read")
    flow.tamper.on_answer = lambda said: said | {"access_token": stolen["access_token"]}

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(), attacker)))

    assert "unproven" == ended
    assert [] == flow.mailboxes()


def test_an_issuer_that_is_told_has_to_be_the_authoritys(flow: Flow):
    flow.stand_in.configure({"sends_iss": True})
    person = flow.member()
    back = flow.agree(flow.begin(), person)
    host = flow.stand_in.url
    wrong = [
        "https://accounts.google.com",
        f"{host}/common/v2.0",
        f"{host}/{person.tid}/v2.0/",
        f"{host}.evil.example/{person.tid}/v2.0",
        f"{host}/{{tenantid}}/v2.0",
        f"{host}/{person.tid}/../{person.tid}/v2.0",
    ]

    ended = {flow.outcome(flow.come_back(changed(back, iss=iss))) for iss in wrong}

    assert {"forged"} == ended
    assert flow.connected(flow.come_back(back))


def test_an_id_token_of_another_tenant_is_refused_where_one_tenant_is_taken(flow: Flow):
    mine, theirs = flow.microsoft.add_tenant("mine.example"), flow.member()
    flow.connect(theirs)
    said = flow.tamper.answers[-1]
    authority = f"{flow.stand_in.url}/{mine}"
    settings = flow.service.settings.model_copy(update={"microsoft_authority": authority})
    (only_mine,), (anybody,) = build_microsoft(settings), build_microsoft(flow.service.settings)
    nonce = str(opened(str(said["id_token"]))["nonce"])

    with pytest.raises(Unproven):
        only_mine.verified(str(said["id_token"]), nonce)

    # The control.
    assert anybody.verified(str(said["id_token"]), nonce).text("tid") == theirs.tid


def test_a_key_that_signs_for_another_issuer_proves_nothing(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
):
    flow.connect(flow.member())
    token = str(flow.tamper.answers[-1]["id_token"])
    nonce = str(opened(token)["nonce"])
    (careful,), (usual,) = [build_microsoft(flow.service.settings) for _ in range(2)]

    def only_of_personal_accounts(world: World, call: Call, _: str) -> Answer:
        return metadata.key_set(world, call, "consumers")

    with monkeypatch.context() as patched:
        route = ("GET", "discovery/v2.0/keys")
        patched.setitem(cast("Routes", ENTRA), route, ("entra.keys", only_of_personal_accounts))
        with pytest.raises(Unproven, match="another issuer"):
            careful.verified(token, nonce)

    # The control.
    assert usual.verified(token, nonce).text("nonce") == nonce


def opened(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_code_that_was_redeemed_elsewhere_is_refused(flow: Flow):
    person = flow.member()
    link = flow.link()
    back = flow.agree(flow.begin(link), person)
    flow.side.refuse(1, "54005")

    assert "code-refused" == flow.outcome(flow.come_back(back))
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


def test_an_authority_that_is_away_costs_the_person_nothing(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
):
    nowhere = {"microsoft_authority": "https://127.0.0.1:1/common"}
    (away,) = build_microsoft(flow.service.settings.model_copy(update=nowhere))
    back = flow.agree(flow.begin(), flow.member())

    with monkeypatch.context() as patched:
        patched.setitem(flow.service.__dict__, "providers", {"graph": away})
        ended = flow.outcome(flow.come_back(back))

    assert "unreachable" == ended
    assert flow.connected(flow.come_back(back))


def test_a_certificate_proves_the_installation_instead_of_a_secret(flow: Flow, tmp_path: Path):
    pair, key = tmp_path / "pair.pem", signing_key(STRANGER)
    written = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pair.write_bytes(written + key.certificate.encode())
    (provider,) = build_microsoft(
        flow.service.settings.model_copy(update={"microsoft_client_certificate": pair})
    )

    with pytest.raises(ClientRefused):
        # The stand-in knows secrets only; what it was sent is what counts here.
        provider.refresh("1.refresh")

    form = flow.tamper.forms[-1]
    header = jwt.get_unverified_header(form["client_assertion"])
    claims = opened(form["client_assertion"])
    assert "client_secret" not in form
    assert ("PS256", flow.side.client_id) == (header["alg"], claims["iss"])
    assert f"{flow.stand_in.url}/common/oauth2/v2.0/token" == claims["aud"]
