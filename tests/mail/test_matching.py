"""The one decision: whether a mail concerns a lead (invariant 4, F16, F20)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.address import canonical, canonical_domain
from mail.freemail import is_role_address, is_shared_domain
from mail.matching import Match, Party, Policy, Skip, decide

LEAD = Party(b"erika@lead", b"lead")
COLLEAGUE = Party(b"otto@lead", b"lead")
OWN = Party(b"me@own", b"own")
STRANGER = Party(b"x@stranger", b"stranger")
INFO = Party(b"info@shop", b"shop")

PERSON = Policy(lead_addresses=frozenset({LEAD.address}), own_domains=frozenset({b"own"}))
FIRM = Policy(lead_domains=frozenset({b"lead"}), own_addresses=frozenset({OWN.address}))


@pytest.mark.parametrize(
    ("decision", "parties", "policy"),
    [
        (Match(frozenset({LEAD.address})), [OWN, LEAD], PERSON),
        (Match(frozenset({b"lead"})), [COLLEAGUE, OWN], FIRM),
        (Skip.NO_LEAD, [OWN, COLLEAGUE], PERSON),
        (Skip.NO_LEAD, [OWN, STRANGER], FIRM),
        (Skip.NO_LEAD, [], FIRM),
        (Skip.NO_LEAD, [OWN], Policy(lead_addresses=frozenset({OWN.address}),
                                     own_domains=frozenset({b"own"}))),
        (Skip.NO_LEAD, [OWN], Policy(lead_domains=frozenset({b"own"}),
                                     own_domains=frozenset({b"own"}))),
        (Skip.BLOCKED, [LEAD, STRANGER], Policy(lead_addresses=frozenset({LEAD.address}),
                                                blocked_domains=frozenset({b"stranger"}))),
        (Skip.BLOCKED, [LEAD], Policy(lead_addresses=frozenset({LEAD.address}),
                                      blocked_addresses=frozenset({LEAD.address}))),
        (Skip.ERASED, [LEAD, STRANGER], Policy(lead_addresses=frozenset({LEAD.address}),
                                               erased=frozenset({STRANGER.address}))),
        (Skip.ROLE_CAPPED, [INFO], Policy(lead_addresses=frozenset({INFO.address}),
                                          capped=frozenset({INFO.address}))),
        (Match(frozenset({LEAD.address})), [INFO, LEAD], Policy(
            lead_addresses=frozenset({INFO.address, LEAD.address}),
            capped=frozenset({INFO.address}))),
    ],
    ids=[
        "a lead's address", "a lead's domain", "another of the lead's firm", "a stranger", "nobody",
        "an own address, though a lead's", "an own domain, though a lead's", "a blocked party",
        "a blocked lead", "an erased party", "a capped role", "a capped role beside a lead",
    ],
)  # fmt: skip
def test_a_mail_is_decided_upon(decision, parties, policy):
    assert decision == decide(parties, policy)


hashes = st.binary(min_size=1, max_size=1)
parties = st.lists(st.builds(Party, hashes, hashes), max_size=6)
sets = st.frozensets(hashes, max_size=4)
policies = st.builds(Policy, sets, sets, sets, sets, sets, sets, sets, sets)


@given(parties, policies)
def test_a_match_names_leads_among_the_parties_and_nobody_else(named, policy):
    decision = decide(named, policy)

    if isinstance(decision, Match):
        others = [party for party in named if not policy.is_own(party)]
        assert decision.hashes
        assert decision.hashes <= (
            {party.address for party in others} & policy.lead_addresses
            | {party.domain for party in others} & policy.lead_domains
        )
        assert not {party.address for party in named} & (policy.erased | policy.blocked_addresses)


@given(parties, policies)
def test_the_order_of_the_parties_decides_nothing(named, policy):
    assert decide(named, policy) == decide(named[::-1], policy)


@pytest.mark.parametrize(
    "domain",
    "gmail.com GMX.de web.de outlook.com orange.fr libero.it t-online.de yahoo.co.uk".split(),
)
def test_a_free_mail_domain_stands_for_no_firm(domain):
    """F16: thousands of strangers share it."""
    spelled = canonical_domain(domain)

    assert spelled is not None
    assert is_shared_domain(spelled)


def test_a_firms_domain_is_its_own():
    spelled = canonical_domain("acme.example")

    assert spelled is not None
    assert not is_shared_domain(spelled)


@pytest.mark.parametrize(
    ("is_role", "address"),
    [
        (True, "info@acme.example"), (True, "SALES@acme.example"), (True, "noreply@acme.example"),
        (True, "no-reply@acme.example"), (True, "postmaster@acme.example"),
        (True, "vertrieb@acme.example"), (True, "buchhaltung@acme.example"),
        (True, "comptabilite@acme.example"), (True, "ventas@acme.example"),
        (True, "vendite@acme.example"), (True, "verkoop@acme.example"),
        (True, "info+offer@acme.example"), (False, "erika@acme.example"),
        (False, "sales.manager@acme.example"), (False, "erika.info@acme.example"),
    ],
)  # fmt: skip
def test_a_role_is_told_from_a_person(is_role, address):
    """F16: an info@ lead swallowed hundreds of unrelated mails."""
    spelled = canonical(address)

    assert spelled is not None
    assert is_role == is_role_address(spelled)
