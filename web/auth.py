"""Who calls: an API key, of which only the hash is known, and what it may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from web.problems import Problem
from worker.boot import Service
from worker.workspaces import Caller, Right, find_caller

LONGEST_KEY = 200
bearer = HTTPBearer(auto_error=False, description="An API key: `lm_crm_…` or `lm_admin_…`.")


def service_of(request: Request) -> Service:
    """Return the service that this process was started with."""
    service: Service = request.app.state.service
    return service


Services = Annotated[Service, Depends(service_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def caller(service: Services, credentials: Credentials) -> Caller:
    """Return whom the call speaks for.

    Raises:
        Problem: There is no key, or none that is good.
    """
    if credentials is None or len(credentials.credentials) > LONGEST_KEY:
        raise Problem("unauthorized")
    found = find_caller(service, credentials.credentials)
    if found is None:
        raise Problem("unauthorized")
    return found


def admin(found: Annotated[Caller, Depends(caller)]) -> Caller:
    """Return whom the call speaks for, if it may speak as an admin.

    Raises:
        Problem: The key is the CRM's.
    """
    if found.right is not Right.ADMIN:
        raise Problem("forbidden")
    return found


Crm = Annotated[Caller, Depends(caller)]
Admin = Annotated[Caller, Depends(admin)]
