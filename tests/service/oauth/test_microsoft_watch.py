"""Watches at Graph, whatever goes wrong between the asking and the writing down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Bell as Place
from connectors.base import Connector, Revocation, Watch
from models.store import Fenced
from tests.fakes.microsoft.person import Person
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import GRAPH
from worker.connecting import card_of, open_connector
from worker.watches import Watching, held

SIDES = (GRAPH,)


@pytest.fixture
def person(flow: Flow) -> Person:
    return flow.member()


@pytest.fixture
def mailbox(flow: Flow, person: Person) -> str:
    return flow.connect(person)


def watching(flow: Flow, mailbox: str) -> Watching:
    """Return a look after a mailbox's watch."""
    row, key = flow.row(mailbox), flow.service.vault.mailbox_key(flow.tenant.id, int(mailbox))
    return Watching(flow.service, row, key, card_of(flow.service, row))


def keep(flow: Flow, mailbox: str) -> None:
    """See to a mailbox's watch, as a sync does."""
    with closing(open_connector(flow.service, flow.row(mailbox))) as connector:
        watching(flow, mailbox).keep(connector)


def let_it_be_due(flow: Flow) -> None:
    flow.alter("UPDATE mailbox SET watch_due_at = now() - interval '1 s'")


def names(flow: Flow, mailbox: str) -> list[str]:
    """Return what the provider calls the watches that are held."""
    key = flow.service.vault.mailbox_key(flow.tenant.id, int(mailbox))
    return [one.name for one in held(flow.service, flow.row(mailbox), key)]


def ids(person: Person) -> list[object]:
    """Return the ids of the subscriptions that the provider has."""
    return [one["id"] for one in person.subscriptions()]


def test_a_watch_is_renewed_at_half_of_its_life_f10(flow: Flow, person: Person, mailbox: str):
    keep(flow, mailbox)
    first = ids(person)
    due_at = flow.row(mailbox).watch_due_at
    keep(flow, mailbox)
    not_yet = len(person.counters().calls)
    let_it_be_due(flow)
    keep(flow, mailbox)

    half = datetime.now(UTC) + timedelta(days=3.5)
    assert abs(due_at - half) < timedelta(hours=1)
    assert 1 == len(first)
    assert first == ids(person) == names(flow, mailbox)
    assert not_yet
    assert 1 == flow.count("mailbox_watch")
    assert abs(flow.row(mailbox).watch_due_at - half) < timedelta(hours=1)


def test_a_watch_that_is_gone_is_begun_anew_and_the_old_one_may_ring_late_f10(
    flow: Flow, person: Person, mailbox: str
):
    keep(flow, mailbox)
    first = ids(person)
    person.remove_subscriptions(tells=False)
    let_it_be_due(flow)

    keep(flow, mailbox)

    assert first != ids(person)
    assert ids(person) == names(flow, mailbox)
    assert (2, 1) == (
        flow.count("mailbox_watch"),
        flow.count("mailbox_watch", "until > now() + interval '6 days'"),
    )


@pytest.mark.parametrize(
    ("weather", "rows"), [("ErrorAccessDenied", 0), ("ErrorInternalServerError", 1)]
)
def test_a_watch_that_is_refused_is_asked_for_again_later_f10(
    flow: Flow, person: Person, mailbox: str, weather: str, rows: int
):
    flow.stand_in.fail_next(weather, 20, "graph.subscriptions.*")

    keep(flow, mailbox)

    assert [] == names(flow, mailbox)
    # Of a failing server it isn't known whether it began one.
    assert rows == flow.count("mailbox_watch")
    later = flow.row(mailbox).watch_due_at - datetime.now(UTC)
    assert timedelta(minutes=50) < later <= timedelta(hours=1)
    assert ("connecting", None) == flow.state(mailbox)


@dataclass
class Late:
    """A connector whose answer comes after something else has happened."""

    inner: Connector
    meanwhile: Callable[[], object]

    def watch(self, new_bell: Callable[[], Place], held: str = "") -> Watch | None:
        watch = self.inner.watch(new_bell, held)
        self.meanwhile()
        return watch

    def revoke(self, held: Sequence[str] = ()) -> Revocation:
        return self.inner.revoke(held)


def test_f23_a_watch_that_began_while_the_mailbox_was_disconnected_is_ended(
    flow: Flow, person: Person, mailbox: str
):
    looking = watching(flow, mailbox)
    with closing(open_connector(flow.service, flow.row(mailbox))) as connector:
        late = Late(connector, lambda: flow.crm.call("DELETE", f"/v1/mailboxes/{mailbox}"))

        with pytest.raises(Fenced):
            looking.keep(late)  # type: ignore[arg-type]  # only two of its methods are used

    assert [] == ids(person)
    assert [] == names(flow, mailbox)


def test_f23_a_mailbox_that_is_being_disconnected_begins_no_watch(
    flow: Flow, person: Person, mailbox: str
):
    looking = watching(flow, mailbox)
    with closing(open_connector(flow.service, flow.row(mailbox))) as connector:
        flow.crm.call("DELETE", f"/v1/mailboxes/{mailbox}")

        with pytest.raises(Fenced):
            looking.keep(connector)

    assert [] == ids(person)
    assert 0 == flow.count("mailbox_watch")


def test_a_new_grant_has_the_watch_looked_at_at_once_f10(flow: Flow, person: Person, mailbox: str):
    keep(flow, mailbox)
    assert flow.row(mailbox).watch_due_at is not None

    flow.connect(person)

    assert flow.row(mailbox).watch_due_at is None
    keep(flow, mailbox)
    assert 1 == len(ids(person))
