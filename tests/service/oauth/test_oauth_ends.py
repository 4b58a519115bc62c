"""Disconnection revokes the grant at Google and says so; whatever it answers, the purge goes on."""

from __future__ import annotations

import pytest

from tests.service.oauth.ground import Flow


def grants_at_google(said: dict[str, list[str]]) -> list[str]:
    """Return what the certificate says of the grant, without the connector's own steps."""
    return [one for one in said["failed"] if one.startswith("grant")]


def test_a_disconnection_revokes_the_grant_at_google(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)
    assert person.is_granted()

    said = flow.disconnect(mailbox)

    assert not person.is_granted()
    assert ["push notifications", "grant"] == said["ended"]
    assert [] == grants_at_google(said)
    assert 404 == flow.crm.call("GET", f"/v1/mailboxes/{mailbox}").status_code
    assert 0 == flow.count("mailbox_grant")


def test_a_grant_that_had_ended_before_is_said_to(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)
    person.revoke()

    assert ["grant, which had ended before"] == flow.disconnect(mailbox)["ended"]


@pytest.mark.parametrize("weather", ["backendError", "dropped"])
def test_whatever_google_answers_the_purge_goes_on(flow: Flow, weather: str):
    person = flow.person()
    mailbox = flow.connect(person)
    flow.google.fail_next(weather, 9, "oauth.revoke")

    said = flow.disconnect(mailbox)

    assert ["grant (unreachable)"] == grants_at_google(said)
    assert ["push notifications"] == said["ended"]
    assert 0 == flow.count("mailbox")


def test_a_grant_that_waits_for_its_person_is_revoked_too(flow: Flow):
    from worker.grants import end

    person = flow.person()
    mailbox = flow.connect(person)
    end(flow.service, flow.tenant.id, int(mailbox), flow.held(mailbox)[0].version)

    assert ["push notifications", "grant"] == flow.disconnect(mailbox)["ended"]
    assert not person.is_granted()


def test_the_last_mailbox_of_an_account_revokes_its_grant(make_flow):
    mine, theirs = make_flow(), make_flow("Other Ltd")
    person = mine.person()
    first, second = mine.connect(person), theirs.connect(person)

    kept = mine.disconnect(first)
    still_granted = person.is_granted()
    ended = theirs.disconnect(second)

    assert [] == kept["ended"]
    assert ["The grant is still in use."] == kept["left_to_person"]
    assert still_granted
    assert ["push notifications", "grant"] == ended["ended"]
    assert not person.is_granted()


def test_nothing_secret_is_in_the_certificate(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)
    grant = flow.grant(mailbox)

    order = flow.crm.call("DELETE", f"/v1/mailboxes/{mailbox}").json()["erasure"]
    flow.service.purge.run(int(order))
    certificate = flow.crm.call("GET", f"/v1/erasures/{order}/certificate").text

    for secret in (grant.secret, grant.access_token, person.address, person.sub):
        assert secret not in certificate
