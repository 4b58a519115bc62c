"""The two providers as tests see them: what differs between their flows, by one name each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.fakes.google import Google
from tests.fakes.google import google as of_google
from tests.fakes.google import person as google_person
from tests.fakes.microsoft import microsoft as of_microsoft
from tests.fakes.microsoft import person as microsoft_person
from tests.fakes.microsoft.entra.refusals import ON_DEMAND
from tests.service.oauth.tamper import GoogleTamper, MicrosoftTamper, Tamper

Person = google_person.Person | microsoft_person.Person
GMAIL, GRAPH = "gmail", "graph"
READ = "https://www.googleapis.com/auth/gmail.readonly"
NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Side:
    """One provider's stand-in, who stands before its token endpoint, and how it is spoken to."""

    provider: str
    stand_in: Google | of_microsoft.Microsoft
    tamper: Tamper
    client_id: str
    other_client: str
    read: str
    """The scope that reads mail."""
    least: str
    """A consent without it."""
    token: str
    """The token endpoint's name for faults."""
    ends: tuple[str, str]
    """Two refusals after which a grant has ended."""
    client_refusal: str
    other_refusal: str
    """A refusal of the registration, and one that says nothing of the grant."""
    lasting: str
    stranger: str
    """The attribute of an account that never changes, and a value that nobody has."""
    lasts: str
    """What sets how long access tokens last."""

    def environment(self) -> dict[str, str]:
        """Return the settings of an installation that is registered here."""
        named = dict(self.stand_in.environment())
        if isinstance(self.tamper, GoogleTamper):
            named |= {
                "GOOGLE_TOKEN_URL": self.tamper.url,
                "GOOGLE_KEYS_URL": f"{self.stand_in.url}/oauth2/v3/certs",
            }
        return named

    def go_well(self) -> None:
        """Undo whatever a test has ordered."""
        self.stand_in.go_well()
        self.tamper.reset()
        usual: dict[str, Any] = {"code_lasts": 600, self.lasts: 3599}
        if self.provider == GMAIL:
            usual["sends_iss"] = True
        self.stand_in.configure(usual)

    def refuse(self, times: int, what: str = "") -> None:
        """Let the next tokens be refused; without more said, because the grant has ended."""
        reason = what or self.ends[0]
        if reason not in ON_DEMAND:
            self.stand_in.fail_next(reason, times, self.token)
            return
        # Microsoft's stand-in would refuse before anybody stood there to count.
        refused = ON_DEMAND[reason].answer(datetime.now(UTC))
        self.tamper.refusals += [(refused.status, refused.body, {})] * times

    def person(self) -> Person:
        """Return somebody with an account and a mailbox."""
        return self.stand_in.add_account(f"p{next(NUMBERS)}@firm.example")

    def account(self, person: Person) -> Any:
        """Return a person's account as the stand-in keeps it."""
        return self.stand_in._world.accounts.find(person.address)

    @property
    def keys(self) -> Any:
        """The provider's keys, which nobody else has."""
        return self.stand_in._world.keys

    def subject_of(self, person: Person) -> str:
        """Return how grants name a person."""
        if isinstance(person, microsoft_person.Person):
            return f"{person.oid}.{person.tid}"
        return person.sub

    def close(self) -> None:
        """Stop the stand-in."""
        self.tamper.close()
        self.stand_in.close()


def side_of(provider: str) -> Side:
    """Start a provider's stand-in."""
    if provider == GMAIL:
        google = Google()
        return Side(
            provider=GMAIL,
            stand_in=google,
            tamper=GoogleTamper(google.environment()["GOOGLE_TOKEN_URL"]),
            client_id=of_google.CLIENT_ID,
            other_client="another-client.apps.googleusercontent.com",
            read=READ,
            least="openid email",
            token="oauth.token",
            ends=("invalid_grant", "invalid_rapt"),
            client_refusal="invalid_client",
            other_refusal="org_internal",
            lasting="sub",
            stranger="900000000000000000001",
            lasts="access_token_lasts",
        )
    return Side(
        provider=GRAPH,
        stand_in=of_microsoft.Microsoft(),
        tamper=MicrosoftTamper(),
        client_id=of_microsoft.CLIENT_ID,
        other_client="11111111-2222-3333-4444-555555555555",
        read="Mail.Read",
        least="openid email profile offline_access User.Read",
        token="entra.token",
        ends=("50173", "700082"),
        client_refusal="7000215",
        other_refusal="50196",
        lasting="oid",
        stranger="99999999-2222-3333-4444-555555555555",
        lasts="capable_token_lasts",
    )
