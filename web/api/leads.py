"""Leads: the CRM says who they are, and takes them away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from privacy.order import Instruction
from web.auth import Crm, Services
from web.idempotency import IdempotentRoute
from web.paging import Cursor, Limit, decode_id, encode
from web.shapes.common import ErasureOrdered, Page
from web.shapes.mail import IgnoredOut, LeadIn, LeadOut, LeadsIn
from worker.given import given_addresses, given_domains
from worker.leads import Leads
from worker.shown import LeadGiven, LeadShown

router = APIRouter(prefix="/v1/leads", tags=["leads"], route_class=IdempotentRoute)
LeadId = Annotated[
    str, Path(min_length=1, max_length=200, description="The CRM's own id of the lead.")
]


@router.put("", summary="Create or replace up to 1,000 leads")
def put_leads(service: Services, caller: Crm, body: LeadsIn) -> Page[LeadOut]:
    """All of them are taken, or none."""
    given = [taken(one.id, one, f"items.{n}.") for n, one in enumerate(body.items)]
    shown = Leads(service, caller.workspace_id, caller.name).put(given)
    return Page(items=[lead_out(one) for one in shown], next=None)


@router.get("", summary="List leads")
def list_leads(
    service: Services, caller: Crm, limit: Limit = 50, cursor: Cursor = None
) -> Page[LeadOut]:
    """In the order they came."""
    page = Leads(service, caller.workspace_id, caller.name).page(decode_id(cursor), limit)
    return Page(
        items=[lead_out(one) for one in page.items],
        next=None if page.next is None else encode(page.next),
    )


@router.put("/{lead}", summary="Create or replace a lead")
def put_lead(service: Services, caller: Crm, lead: LeadId, body: LeadIn) -> LeadOut:
    """A new address is searched for in every mailbox; one taken away purges its mail."""
    given = taken(lead, body, "")
    return lead_out(Leads(service, caller.workspace_id, caller.name).put([given])[0])


@router.get("/{lead}", summary="Show a lead")
def show_lead(service: Services, caller: Crm, lead: LeadId) -> LeadOut:
    """`ignored` says which of its addresses bring no mail in, and why."""
    return lead_out(Leads(service, caller.workspace_id, caller.name).show(lead))


@router.delete("/{lead}", status_code=202, summary="Erase a lead and its mail")
def delete_lead(service: Services, caller: Crm, lead: LeadId) -> ErasureOrdered:
    """From this answer on, mail that only this lead justified can't be read."""
    instruction = Instruction(caller.name, "the lead was deleted in the CRM")
    order = Leads(service, caller.workspace_id, caller.name).erase(lead, instruction)
    return ErasureOrdered(erasure=str(order))


def taken(lead: str, body: LeadIn, where: str) -> LeadGiven:
    """Return a lead with its addresses in canonical spelling."""
    return LeadGiven(
        lead,
        body.name,
        given_addresses(f"{where}addresses", body.addresses),
        given_domains(f"{where}domains", body.domains),
    )


def lead_out(lead: LeadShown) -> LeadOut:
    """Return a lead as JSON shows it."""
    return LeadOut(
        id=lead.id,
        name=lead.name,
        addresses=list(lead.addresses),
        domains=list(lead.domains),
        ignored=[IgnoredOut(value=one.value, reason=one.reason) for one in lead.ignored],
    )
