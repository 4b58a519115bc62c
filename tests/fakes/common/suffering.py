"""A call that is no API's: it goes well, is refused on demand, or its line breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.fakes.common.counters import CommonCounters, Refused
from tests.fakes.common.faults import ON_THE_LINE, Fault, Faults
from tests.fakes.common.wire import Answer, Breakage


def suffering(
    faults: Faults,
    counters: CommonCounters,
    name: str,
    address: str | None,
    served: Callable[[], Answer],
    refused: Callable[[Fault], Answer],
) -> Answer:
    """Return what is served, or the ordered refusal, late or broken as it was ordered."""
    fault = faults.strike(name, address)
    is_refusal = fault is not None and fault.what not in ON_THE_LINE
    answer = refused(fault) if fault is not None and is_refusal else served()
    if answer.reason:
        counters.refused.append(Refused(name, "", answer.status, answer.reason))
    breakage = Breakage(fault.what) if fault is not None and not is_refusal else None
    return replace(answer, delay=faults.delay_of(name), breakage=breakage)
