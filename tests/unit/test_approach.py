"""Scan or search: what the planner chooses for the past of a folder."""

from __future__ import annotations

from datetime import timedelta

import pytest

from worker.planner import Approach, choose

NEAR, FAR = timedelta(milliseconds=0.3), timedelta(milliseconds=50)


@pytest.mark.parametrize(
    ("addresses", "messages", "round_trip", "approach"),
    [
        (1, 20_000, NEAR, Approach.SEARCH),
        (200, 20_000, NEAR, Approach.SCAN),
        (500, 200, NEAR, Approach.SCAN),
        (100, 20_000, FAR, Approach.SEARCH),
        (1_000, 20_000, FAR, Approach.SCAN),
        (200, 0, FAR, Approach.SCAN),
    ],
    ids=[
        "one address near",
        "many addresses near",
        "more addresses than mails",
        "many addresses behind a slow line",
        "very many addresses behind a slow line",
        "an empty folder",
    ],
)
def test_the_cheaper_way_through_a_past_is_chosen(addresses, messages, round_trip, approach):
    assert approach == choose(addresses, messages, round_trip)
