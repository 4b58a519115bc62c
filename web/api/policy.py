"""The policy: what is the workspace's own, what is blocked, what is capped."""

from __future__ import annotations

from fastapi import APIRouter

from web.auth import Admin, Services
from web.shapes.evidence import Blocked, PolicyShape
from worker.given import given_addresses, given_domains
from worker.rules import PolicyTerms, Rules

router = APIRouter(prefix="/v1/policy", tags=["policy"])


@router.get("", summary="Show the policy")
def show_policy(service: Services, caller: Admin) -> PolicyShape:
    """The addresses of connected mailboxes are the workspace's own without being listed."""
    return policy_out(Rules(service, caller.workspace_id, caller.name).show())


@router.put("", summary="Replace the policy")
def put_policy(service: Services, caller: Admin, body: PolicyShape) -> PolicyShape:
    """It acts on the past too; fields that are left out are reset.

    Stored mail that is blocked now is purged, and mail that was passed over and is allowed
    now is searched for.
    """
    terms = PolicyTerms(
        own_addresses=given_addresses("own_addresses", body.own_addresses),
        own_domains=given_domains("own_domains", body.own_domains),
        blocked_addresses=given_addresses("blocked.addresses", body.blocked.addresses),
        blocked_domains=given_domains("blocked.domains", body.blocked.domains),
        role_cap=body.role_cap,
        mirror_removals=body.mirror_removals,
    )
    return policy_out(Rules(service, caller.workspace_id, caller.name).put(terms))


def policy_out(terms: PolicyTerms) -> PolicyShape:
    """Return the policy as JSON shows it."""
    return PolicyShape(
        own_addresses=list(terms.own_addresses),
        own_domains=list(terms.own_domains),
        blocked=Blocked(
            addresses=list(terms.blocked_addresses), domains=list(terms.blocked_domains)
        ),
        role_cap=terms.role_cap,
        mirror_removals=terms.mirror_removals,
    )
