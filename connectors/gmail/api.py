"""The few calls of the Gmail API that are made: paid for, tried again where that helps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

import googleapiclient
import httplib2
import orjson
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import BatchError, HttpError
from googleapiclient.http import BatchHttpRequest
from googleapiclient.model import JsonModel
from httplib2.decode import DecodeLimitError, DecodeRatioError

from connectors.budget import Budget
from connectors.egress import Egress
from connectors.errors import ConnectorError, MessageGone, Misbehaved, Unreachable
from connectors.gmail.account import GmailAccount, GmailLimits
from connectors.gmail.refusals import refusal
from connectors.gmail.transport import GuardedHttp
from connectors.patience import Patience, worst

# It logs searches at DEBUG and whole answers at WARNING: what it says, we say by our errors.
logging.getLogger("googleapiclient").setLevel(logging.CRITICAL)

ME = "me"
DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache/documents/gmail.v1.json"
Json = Mapping[str, Any]
FAILURES = (
    *(HttpError, BatchError, httplib2.HttpLib2Error, HTTPException, OSError, ValueError),
    *(DecodeLimitError, DecodeRatioError),
)


class GmailApi:
    """A mailbox's API for one thread. Reads only; `watch` and `stop` are about its own bell."""

    def __init__(
        self, account: GmailAccount, egress: Egress, budget: Budget, limits: GmailLimits
    ) -> None:
        self.limits = limits
        self._costs = account.costs
        self._budget = budget
        self._patience = Patience(limits.patience, budget)
        # Base64, and a mail in hand beside those of its batch.
        largest = limits.message_bytes * 2
        self._http = GuardedHttp(
            account.api_url, account.token, egress, limits.timeout, answer_bytes=largest
        )
        self._users = users_of(account.api_url, self._http)
        self._batch_url = f"{account.api_url.rstrip('/')}/batch/gmail/v1"

    def profile(self) -> Json:
        """Return the mailbox's address, number of messages and history id."""
        return self._call("users.getProfile", self._users.getProfile(userId=ME))

    def labels(self) -> Sequence[Json]:
        """Return all labels."""
        answer = self._call("users.labels.list", self._users.labels().list(userId=ME))
        return list(answer.get("labels", ()))

    def list(self, page_token: str = "", **query: Any) -> Json:
        """Return a page of message ids, newest first."""
        request = self._users.messages().list(
            userId=ME,
            maxResults=self.limits.page,
            fields="messages/id,nextPageToken,resultSizeEstimate",
            **({"pageToken": page_token} if page_token else {}),
            **query,
        )
        return self._call("users.messages.list", request)

    def list_all(self, **query: Any) -> Iterator[str]:
        """Yield the ids of all messages that a query finds, newest first."""
        token = ""
        while True:
            answer = self.list(token, **query)
            yield from (message["id"] for message in answer.get("messages", ()))
            token = answer.get("nextPageToken", "")
            if not token:
                return

    def history(self, start: int, page_token: str = "") -> Json:
        """Return a page of history records since an id.

        Raises:
            MessageGone: That id is too old.
        """
        request = self._users.history().list(
            userId=ME,
            startHistoryId=str(start),
            maxResults=self.limits.page,
            **({"pageToken": page_token} if page_token else {}),
        )
        return self._call("users.history.list", request)

    def get(self, ids: Iterable[str], *, live: bool = False, **form: Any) -> Iterator[Json]:
        """Yield messages, in batches; those that are gone are left out."""
        left = list(ids)
        while left:
            some, left = left[: self.limits.batch], left[self.limits.batch :]
            got: dict[str, Json] = {}
            try:
                self._get_some(some, form, got, live=live)
            except ConnectorError:
                # What was paid for is handed out before it is said what went wrong.
                yield from got.values()
                raise
            yield from got.values()

    def watch(self, topic: str) -> int:
        """Ask for a push whenever something changes; return until when, in ms since 1970."""
        request = self._users.watch(userId=ME, body={"topicName": topic})
        return int(self._call("users.watch", request)["expiration"])

    def stop(self) -> None:
        """End the pushes."""
        self._call("users.stop", self._users.stop(userId=ME))

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _get_some(
        self, ids: Sequence[str], form: Mapping[str, Any], got: dict[str, Json], *, live: bool
    ) -> None:
        """Fill in messages by one batch, and its refused parts by further ones."""
        missing = dict.fromkeys(ids)

        def ask() -> None:
            refused = self._ask_batch(list(missing), form, got, live=live)
            for id_ in list(missing):
                if id_ in got or isinstance(refused.get(id_), MessageGone):
                    del missing[id_]
            if missing:
                raise worst(refused.values())

        self._patiently(ask)

    def _ask_batch(
        self, ids: Sequence[str], form: Mapping[str, Any], got: dict[str, Json], *, live: bool
    ) -> dict[str, ConnectorError]:
        """Send one batch; fill what came and return what was refused, by message id.

        A batch is no cheaper than its parts, and each is answered for itself.
        """
        self._budget.spend(self._costs["users.messages.get"] * len(ids), live=live)
        requests = {id_: self._users.messages().get(userId=ME, id=id_, **form) for id_ in ids}
        refused: dict[str, ConnectorError] = {}
        if len(ids) == 1:
            # It may be a large one: what isn't packed needn't be unpacked beside itself.
            requests[ids[0]].headers["accept-encoding"] = "identity"
            try:
                got[ids[0]] = requests[ids[0]].execute()
            except HttpError as error:
                refused[ids[0]] = understood(error)
            return refused

        def receive(id_: str, answer: Json | None, error: Exception | None) -> None:
            if answer is not None:
                got[id_] = answer
            else:
                refused[id_] = understood(error)

        batch = BatchHttpRequest(callback=receive, batch_uri=self._batch_url)
        for id_, request in requests.items():
            batch.add(request, request_id=id_)
        batch.execute(http=self._http)
        return refused

    def _call(self, method: str, request: Any) -> Json:
        answers: list[Json] = []

        def ask() -> None:
            self._budget.spend(self._costs[method], live=True)
            answers.append(request.execute() or {})

        self._patiently(ask)
        return answers[-1]

    def _patiently(self, ask: Callable[[], None]) -> None:
        """Do it, again after a short refusal or a broken connection.

        Raises:
            ConnectorError: What stands in the way; nothing of the failed request is in it.
        """

        def ask_and_understand() -> None:
            try:
                ask()
            except (ConnectorError, *FAILURES) as error:
                raise understood(error) from None

        self._patience(ask_and_understand)


class LeanModel(JsonModel):  # type: ignore[misc]  # it ships no types
    """The library's JSON, read from bytes: a large mail isn't copied to a string before."""

    def deserialize(self, content: bytes) -> Any:
        """Return the value that was answered.

        Raises:
            ValueError: It isn't whole.
        """
        return orjson.loads(content)


def users_of(api_url: str, http: httplib2.Http) -> Any:
    """Return the client for an API's address, by the discovery document that it ships with.

    Batches go to the document's root, so that is where another address has to stand.
    """
    document = orjson.loads(DOCUMENT.read_bytes())
    root = api_url.rstrip("/") + "/"
    document |= {"rootUrl": root, "baseUrl": root, "mtlsRootUrl": root}
    return build_from_document(document, http=http, model=LeanModel()).users()


def understood(error: Exception | None) -> ConnectorError:
    """Return the reaction to whatever the client library raised."""
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, HttpError):
        return refusal(error.resp.status, error.resp, error.content)
    if isinstance(error, ValueError | BatchError):
        # Truncated JSON, or a batch that isn't one.
        return Unreachable("half an answer")
    if isinstance(error, OSError | HTTPException | httplib2.HttpLib2Error):
        return Unreachable("no answer")
    return Misbehaved("no answer that can be read")
