"""A stand-in for each test, with one account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.google import Google, Person
from tests.fakes_own.clients import gmail


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
