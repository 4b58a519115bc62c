"""Stand-ins for each test, with one account each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.google import Google, Person
from tests.fakes.microsoft import Microsoft
from tests.fakes.microsoft import Person as OutlookPerson
from tests.fakes_own.clients import gmail
from tests.fakes_own.outlook import BACK, Outlook, outlook


@pytest.fixture
def google() -> Iterator[Google]:
    """A stand-in that knows nobody."""
    with Google(redirect_uris=["http://127.0.0.1:8000/oauth/callback"]) as google:
        yield google


@pytest.fixture
def anna(google: Google) -> Person:
    """The account of anna@firm.example, without mail."""
    return google.add_account("anna@firm.example")


@pytest.fixture
def users(google: Google, anna: Person) -> Iterator[Any]:
    """Google's own client of Anna's mailbox."""
    with gmail(google, anna) as users:
        yield users


@pytest.fixture
def microsoft() -> Iterator[Microsoft]:
    """A stand-in for Microsoft that knows nobody."""
    with Microsoft(redirect_uris=[BACK]) as microsoft:
        yield microsoft


@pytest.fixture
def eva(microsoft: Microsoft) -> OutlookPerson:
    """The account of eva@firm.example at Microsoft, without mail."""
    return microsoft.add_account("eva@firm.example")


@pytest.fixture
def browser(microsoft: Microsoft) -> Iterator[Outlook]:
    """Somebody without a token."""
    made = outlook(microsoft)
    yield made
    made.client.close()


@pytest.fixture
def graph(microsoft: Microsoft, eva: OutlookPerson) -> Iterator[Outlook]:
    """Eva's mailbox by Graph."""
    made = outlook(microsoft, eva)
    yield made
    made.client.close()
