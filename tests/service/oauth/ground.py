"""A person with a browser, the CRM, and a provider's stand-in: there and back, step by step."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import uvicorn
from sqlalchemy import text

from models.base import AnyRow
from models.queries import grants, mailboxes
from privacy.contents import Grant, open_grant
from tests.builders import Tenant
from tests.fakes.google import Google
from tests.fakes.microsoft.microsoft import Microsoft
from tests.fakes.microsoft.person import Person as Member
from tests.house import Bell
from tests.service.api.calls import Crm
from tests.service.oauth.sides import NUMBERS, Person, Side
from tests.service.oauth.tamper import Tamper
from web.app import create_app
from worker import jobs
from worker.boot import Service
from worker.sign_in import make_link

RETURN = "http://127.0.0.1:9/crm/back"


@contextmanager
def serving(service: Service, listening: socket.socket) -> Iterator[None]:
    """Serve a service's API and pages on a socket."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(service), log_config=None, log_level="warning")
    )
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    ends = time.monotonic() + 10
    while not server.started and time.monotonic() < ends:
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join(10)


def new_browser() -> httpx.Client:
    """Return a browser that shows every step, and trusts any stand-in."""
    return httpx.Client(
        headers={"Accept": "text/html"},
        trust_env=False,
        verify=False,
        timeout=30,
        follow_redirects=False,
    )


def query_of(url: str) -> dict[str, str]:
    """Return a URL's parameters."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def changed(url: str, **values: str | None) -> str:
    """Return a URL with other parameters; None takes one away."""
    parts = urlsplit(url)
    query = query_of(url)
    for name, value in values.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return parts._replace(query=urlencode(query)).geturl()


@dataclass(slots=True)
class Flow:
    """What a test does as the CRM, as a person and as the provider."""

    service: Service
    side: Side
    crm: Crm
    browser: httpx.Client = field(default_factory=new_browser)
    others: list[httpx.Client] = field(default_factory=list)

    def another(self) -> httpx.Client:
        """Return another browser."""
        self.others.append(new_browser())
        return self.others[-1]

    def close(self) -> None:
        """Close all browsers."""
        for one in (self.browser, *self.others):
            one.close()

    @property
    def stand_in(self) -> Google | Microsoft:
        """The provider's stand-in."""
        return self.side.stand_in

    @property
    def google(self) -> Google:
        """Google's stand-in."""
        assert isinstance(self.side.stand_in, Google)
        return self.side.stand_in

    @property
    def microsoft(self) -> Microsoft:
        """Microsoft's stand-in."""
        assert isinstance(self.side.stand_in, Microsoft)
        return self.side.stand_in

    @property
    def tamper(self) -> Tamper:
        """Who stands between the service and the token endpoint."""
        return self.side.tamper

    @property
    def tenant(self) -> Tenant:
        """The workspace."""
        return self.crm.tenant

    def person(self) -> Person:
        """Return somebody with an account at the provider."""
        return self.side.person()

    def member(self, domain: str = "firm.example") -> Member:
        """Return somebody with an account at Microsoft, in the tenant of a domain."""
        return self.microsoft.add_account(f"p{next(NUMBERS)}@{domain}")

    def disconnect(self, mailbox: str) -> dict[str, list[str]]:
        """Disconnect a mailbox; return what the certificate says of the provider."""
        order = self.crm.call("DELETE", f"/v1/mailboxes/{mailbox}").json()["erasure"]
        # Nobody hears the rings here: they would be counted as what is left.
        self.service.redis.flushall()
        assert self.service.purge.run(int(order))
        shown = self.crm.call("GET", f"/v1/erasures/{order}/certificate").json()
        provider: dict[str, list[str]] = shown["certificate"]["provider"]
        return provider

    def sign_in_link(self) -> str:
        """Return the path of a fresh link to the console."""
        return make_link(self.service, self.tenant.id).removeprefix(self.url)

    def link(self, user: str = "7", **more: object) -> str:
        """Return the page that the CRM sends a user's browser to."""
        body = {"user": user, "return_url": RETURN, **more}
        answer = self.crm.call("POST", "/v1/connect", json=body)
        assert 201 == answer.status_code, answer.text
        return str(answer.json()["connect_url"])

    def choose(self, link: str, **fields: str) -> httpx.Response:
        """Open the page and choose a provider."""
        return self.choose_in(self.browser, link, **fields)

    def choose_in(self, browser: httpx.Client, link: str, **fields: str) -> httpx.Response:
        """Open the page in a browser and choose a provider."""
        page = browser.get(link)
        assert 200 == page.status_code, page.text
        token = form_token(page.text)
        form = {"form_token": token, "provider": self.side.provider, "since": "90", **fields}
        return browser.post(link, data=form)

    def begin(self, link: str | None = None, browser: httpx.Client | None = None) -> str:
        """Go as far as to the provider; return the address that the browser is sent to."""
        answer = self.choose_in(browser or self.browser, link or self.link())
        assert 303 == answer.status_code, answer.text
        return answer.headers["location"]

    def agree(
        self,
        url: str,
        person: Person,
        scope: str | None = None,
        browser: httpx.Client | None = None,
    ) -> str:
        """Agree at the provider; return the address that the browser is sent back to."""
        self.stand_in.consent_as(person.address, scope)
        answer = (browser or self.browser).get(url)
        assert 302 == answer.status_code, answer.text
        return answer.headers["location"]

    def connect(self, person: Person, user: str = "7") -> str:
        """Go all the way for a user; return the mailbox's id."""
        answer = self.come_back(self.agree(self.begin(self.link(user)), person))
        return self.connected(answer)

    def come_back(self, url: str, browser: httpx.Client | None = None) -> httpx.Response:
        """Come back from the provider."""
        return (browser or self.browser).get(url)

    def connected(self, answer: httpx.Response) -> str:
        """Return the mailbox that the browser brings back to the CRM."""
        location = answer.headers.get("location", "")
        assert location.startswith(f"{RETURN}?"), (answer.status_code, location)
        query = query_of(location)
        assert "connected" == query["state"]
        return query["mailbox"]

    def outcome(self, answer: httpx.Response, browser: httpx.Client | None = None) -> str:
        """Return how an answer ended that was not taken; the page says what to do."""
        assert 303 == answer.status_code, answer.text
        path = urlsplit(answer.headers["location"]).path
        page = (browser or self.browser).get(f"{self.url}{answer.headers['location']}")
        assert "Nothing was changed." in page.text
        return path.rpartition("/")[2]

    @property
    def url(self) -> str:
        """Where the service is."""
        return self.service.settings.public_url

    def run_jobs(self) -> None:
        """Run what was rung for, and what that rings for."""
        bell = self.service.doorbell
        assert isinstance(bell, Bell)
        for _ in range(200):
            if not bell.waiting:
                return
            kind, id_ = bell.waiting.popleft()
            {"sync": jobs.sync_mailbox, "import": jobs.import_mail}[kind](self.service, id_)
        raise AssertionError("jobs ring for each other without end")

    # What can be seen

    def row(self, mailbox: str) -> AnyRow:
        """Return a mailbox's row."""
        with self.service.store.workspace(self.tenant.id) as connection:
            row = mailboxes.find(connection, int(mailbox))
        assert row is not None
        return row

    def grant(self, mailbox: str) -> Grant:
        """Return a mailbox's grant, opened."""
        return self.held(mailbox)[1]

    def held(self, mailbox: str) -> tuple[AnyRow, Grant]:
        """Return a mailbox's grant as its row and opened."""
        key = self.service.vault.mailbox_key(self.tenant.id, int(mailbox))
        with self.service.store.workspace(self.tenant.id) as connection:
            row = grants.read(connection, int(mailbox))
        assert row is not None
        sealed = open_grant(key, self.tenant.id, int(mailbox), row.generation, row.sealed)
        return row, sealed

    def mailboxes(self) -> list[dict[str, object]]:
        """Return the workspace's mailboxes as the API shows them."""
        return list(self.crm.get("/v1/mailboxes")["items"])

    def state(self, mailbox: str) -> tuple[str, str | None]:
        """Return a mailbox's state and problem as the API shows them."""
        shown = self.crm.get(f"/v1/mailboxes/{mailbox}")
        problem = shown["problem"]
        return shown["state"], None if problem is None else problem["code"]

    def changes(self, kind: str) -> list[str]:
        """Return the subjects of a kind of change, in order."""
        items = self.crm.get("/v1/changes?limit=200")["items"]
        return [one["id"] for one in items if one["kind"] == kind]

    def count(self, table: str, where: str = "true") -> int:
        """Count rows."""
        with self.service.store.workspace(self.tenant.id) as connection:
            query = text(f"SELECT count(*) FROM {table} WHERE {where}")
            return int(connection.execute(query).scalar_one())

    def alter(self, statement: str, **values: object) -> None:
        """Change rows behind everybody's back."""
        with self.service.store.workspace(self.tenant.id) as connection:
            connection.execute(text(statement), values)

    def expire_token(self, mailbox: str) -> None:
        """Let a mailbox's access token be about to end."""
        self.reseal(mailbox, {"expires_at": "2026-01-01T00:00:00+00:00"})

    def reseal(self, mailbox: str, values: Mapping[str, object]) -> None:
        """Change what is inside a mailbox's grant, without changing its version."""
        from privacy.contents.packing import pack, unpack
        from privacy.vault import Place, seal

        row, _ = self.held(mailbox)
        key = self.service.vault.mailbox_key(self.tenant.id, int(mailbox))
        place = Place(self.tenant.id, "mailbox_grant", int(mailbox), "sealed", row.generation)
        inside = unpack(key, place, row.sealed) | values
        self.alter(
            "UPDATE mailbox_grant SET sealed = :sealed WHERE mailbox_id = :id",
            sealed=seal(key, place, pack(inside)),
            id=int(mailbox),
        )


def form_token(page: str) -> str:
    """Return what a page's form sends back."""
    found = re.search(r'name="form_token" value="(\w+)"', page)
    assert found, page
    return found[1]
