"""`$batch`: many requests in one, each answered for itself.

See learn.microsoft.com/graph/json-batching. Requests that depend on nothing run side by side, so
all of them are open at once; one that depends on another begins when that is done.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import orjson

from tests.fakes.common.wire import Answer, Breakage, Call
from tests.fakes.microsoft.graph.answers import told
from tests.fakes.microsoft.graph.refusals import Refusal, bad_request, ordered
from tests.fakes.microsoft.graph.tokens import bearer
from tests.fakes.microsoft.world import World

MOST = 20
Serve = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class _Part:
    """One request of a batch."""

    id: str
    call: Call
    depends_on: tuple[str, ...]


def answer(world: World, call: Call, serve: Serve) -> Answer:
    """Answer a batch; a broken line of one part breaks the whole."""
    try:
        with world.lock:
            world.counters.calls["graph.batch"] += 1
            token = bearer(world, call)
            if token.account is not None:
                world.counters.of(token.account.address).calls["graph.batch"] += 1
            broken = world.faults.suffer("graph.batch", None, ordered)
        parts = _parts(call)
    except Refusal as refusal:
        return refusal.answer(world.clock.now())
    done = _run(world, parts, serve)
    responses = [_written(name, each) for name, each in done.items()]
    longest = max((each.delay for each in done.values()), default=timedelta())
    broken = broken or next((each.breakage for each in done.values() if each.breakage), None)
    return _finished(told({"responses": responses}), longest, broken, done)


def _finished(
    whole: Answer, delay: timedelta, breakage: Breakage | None, done: Mapping[str, Answer]
) -> Answer:
    def after() -> None:
        for each in done.values():
            each.after()

    return Answer(whole.status, whole.body, whole.headers, delay, breakage, after)


def _run(world: World, parts: list[_Part], serve: Serve) -> dict[str, Answer]:
    done: dict[str, Answer] = {}
    waiting = list(parts)
    while waiting:
        ready = [each for each in waiting if all(name in done for name in each.depends_on)]
        for part in ready:
            if any(done[name].status >= 400 for name in part.depends_on):
                failed = Refusal(424, "FailedDependency", "A request it depends on has failed.")
                done[part.id] = failed.answer(world.clock.now())
                continue
            for name in part.depends_on:
                # What is done makes room for what waited for it.
                with world.lock:
                    done[name].after()
                done[name] = _left(done[name])
            done[part.id] = serve(part.call)
        waiting = [each for each in waiting if each.id not in done]
    return {part.id: done[part.id] for part in parts}


def _left(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, answer.headers, answer.delay, answer.breakage)


def _parts(call: Call) -> list[_Part]:
    try:
        read = call.json()
    except ValueError:
        read = None
    requests = read.get("requests") if isinstance(read, dict) else None
    if not isinstance(requests, list) or not requests:
        raise bad_request("Invalid batch payload format.")
    if len(requests) > MOST:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MOST}.")
    parts = [_part(each, call) for each in requests]
    names = [part.id for part in parts]
    if len({name.casefold() for name in names}) < len(names):
        raise bad_request("Duplicate request id in the batch.")
    for part in parts:
        if not set(part.depends_on) <= set(names) - {part.id}:
            raise bad_request(f"The request {part.id} depends on what is not in the batch.")
    return parts


def _part(asked: object, outer: Call) -> _Part:
    if not isinstance(asked, dict) or not all(
        isinstance(asked.get(name), str) and asked[name] for name in ("id", "method", "url")
    ):
        raise bad_request("A request of a batch needs id, method and url.")
    given = asked.get("headers") or {}
    headers = {str(name).lower(): str(value) for name, value in given.items()}
    body = b""
    if asked.get("body") is not None:
        if "content-type" not in headers:
            raise bad_request("A request with a body needs a Content-Type.")
        body = orjson.dumps(asked["body"])
    url = urllib.parse.urlsplit("/v1.0/" + asked["url"].lstrip("/"))
    depends_on = asked.get("dependsOn") or []
    # What the whole says of who asks, a part need not say again; its preferences it must.
    headers.setdefault("authorization", outer.headers.get("authorization", ""))
    inner = Call(
        asked["method"].upper(),
        url.path,
        tuple(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
        headers,
        body,
        in_batch=True,
    )
    return _Part(asked["id"], inner, tuple(str(each) for each in depends_on))


def _written(name: str, answer: Answer) -> dict[str, object]:
    headers = {each.title(): value for each, value in answer.headers.items()}
    written: dict[str, object] = {"id": name, "status": answer.status, "headers": headers}
    if not answer.body:
        return written
    if "json" in answer.headers.get("content-type", ""):
        return written | {"body": orjson.loads(answer.body)}
    # What is no JSON comes in base64.
    return written | {"body": base64.b64encode(answer.body).decode()}
