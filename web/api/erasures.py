"""Erasures and their evidence."""

from __future__ import annotations

from base64 import b64encode

from fastapi import APIRouter, Response

from privacy.order import Instruction
from privacy.signer import pem
from web.auth import Admin, Services
from web.idempotency import IdempotentRoute
from web.paging import Cursor, Limit, decode, encode
from web.problems import Problem, invalid
from web.shapes.common import Page
from web.shapes.evidence import CertificateKeyOut, ErasureId, ErasureIn, ErasureOut
from worker.erasures import Erasures, ErasureShown

router = APIRouter(prefix="/v1", tags=["erasures"], route_class=IdempotentRoute)
SCOPES = ("address", "lead", "mailbox", "workspace")


@router.post("/erasures", status_code=202, summary="Erase a person, a lead or a mailbox")
def order_erasure(service: Services, caller: Admin, body: ErasureIn) -> ErasureId:
    """From this answer on nothing of it can be read or written.

    An erased address stays erased: its mail is never taken in again.
    """
    chosen = [name for name in SCOPES if getattr(body, name) is not None]
    if len(chosen) != 1:
        raise invalid("address", "or lead, mailbox or workspace is to be given, only one of them")
    if body.workspace is not None:
        raise Problem("not-available", "A whole workspace can't be erased by this version.")
    erasures = Erasures(service, caller.workspace_id, caller.name)
    instruction = Instruction(body.instructed_by, body.reference)
    if body.address is not None:
        order = erasures.address(body.address, instruction)
    elif body.lead is not None:
        order = erasures.lead(body.lead, instruction)
    else:
        order = erasures.mailbox(body.mailbox or "", instruction)
    return ErasureId(id=str(order))


@router.get("/erasures", summary="List erasures")
def list_erasures(
    service: Services, caller: Admin, limit: Limit = 50, cursor: Cursor = None
) -> Page[ErasureOut]:
    """Newest first; those that a changed lead or policy brought about too."""
    position = decode(cursor, 63)
    found, following = Erasures(service, caller.workspace_id, caller.name).page(
        None if position is None else position[0], limit
    )
    return Page(
        items=[erasure_out(one) for one in found],
        next=None if following is None else encode(following),
    )


@router.get("/erasures/{erasure}", summary="Show an erasure")
def show_erasure(service: Services, caller: Admin, erasure: str) -> ErasureOut:
    """Its state, and how many rows and keys are gone."""
    return erasure_out(Erasures(service, caller.workspace_id, caller.name).show(erasure))


@router.get(
    "/erasures/{erasure}/certificate",
    summary="Download an erasure's certificate",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}},
)
def download_certificate(service: Services, caller: Admin, erasure: str) -> Response:
    """Signed canonical JSON without personal data; it is there once the count was zero."""
    found = Erasures(service, caller.workspace_id, caller.name).show(erasure)
    if found.certificate is None:
        raise Problem("not-found", "The erasure isn't verified yet: there is no certificate.")
    headers = {"Content-Disposition": f'attachment; filename="erasure-{found.id}.json"'}
    return Response(found.certificate, 200, headers, "application/json")


@router.get("/certificates/key", summary="Show the key that certificates are checked with")
def show_key(service: Services, _: Admin) -> CertificateKeyOut:
    """Keep it somewhere else: it is what a certificate is checked with offline."""
    public = service.signer.public
    return CertificateKeyOut(
        algorithm="Ed25519", public_key=b64encode(public).decode(), pem=pem(public)
    )


def erasure_out(one: ErasureShown) -> ErasureOut:
    """Return an erasure as JSON shows it."""
    return ErasureOut(
        id=str(one.id),
        scope=one.scope,
        state=one.state,
        removed=dict(one.removed),
        requested_at=one.requested_at,
        fenced_at=one.fenced_at,
        verified_at=one.verified_at,
    )
