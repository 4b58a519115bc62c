"""A CRM that reads leads' mail through the HTTP API: what it can't read isn't visible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import httpx

_PATIENCE = 30.0


class Reader:
    """The API of a running `web`; use it in a `with` statement."""

    def __init__(self, port: int, key: str) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=_PATIENCE,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def is_served(self) -> bool:
        """Tell whether the API answers."""
        try:
            return self._client.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def sees(self, lead: str) -> bool:
        """Tell whether a lead has a conversation with a message that opens."""
        return bool(self.messages([lead]))

    def messages(self, leads: Sequence[str]) -> list[str]:
        """Return the id of the newest message of each lead that has one."""
        found = []
        for lead in leads:
            answer = self._client.get(f"/v1/leads/{lead}/conversations", params={"limit": 1})
            for conversation in answer.raise_for_status().json()["items"]:
                path = f"/v1/conversations/{conversation['id']}/messages"
                shown = self._client.get(path).raise_for_status().json()["items"]
                found += [str(message["id"]) for message in shown[-1:]]
        return found

    def read_each(self, messages: Sequence[str], leads: Sequence[str]) -> Iterator[bool]:
        """Ask for messages, whole and raw, and for leads' conversations; yield what was shown."""
        for id_ in messages:
            for form in ("", "/raw"):
                yield self._client.get(f"/v1/messages/{id_}{form}").is_success
        for lead in leads:
            answer = self._client.get(f"/v1/leads/{lead}/conversations", params={"limit": 1})
            yield bool(answer.raise_for_status().json()["items"])

    def disconnect(self, mailbox: int) -> int:
        """Disconnect a mailbox; return the erasure."""
        answer = self._client.delete(f"/v1/mailboxes/{mailbox}")
        return int(answer.raise_for_status().json()["erasure"])

    def is_verified(self, erasure: int) -> bool:
        """Tell whether an erasure is certified."""
        answer = self._client.get(f"/v1/erasures/{erasure}")
        return str(answer.raise_for_status().json()["state"]) == "verified"
