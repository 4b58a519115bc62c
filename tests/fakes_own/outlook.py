"""The ways into the stand-in for Microsoft: msal, as Microsoft publishes it, and plain requests."""

from __future__ import annotations

import html
import re
import ssl
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msal
import requests

from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET, Microsoft, Person

BACK = "http://127.0.0.1:8000/oauth/callback"
READ = ["https://graph.microsoft.com/Mail.Read", "email"]
IMMUTABLE = 'IdType="ImmutableId"'


def application(microsoft: Microsoft, tenant: str = "common", **given: Any) -> Any:
    """Return msal's confidential client."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(microsoft.ca_file)
    return msal.ConfidentialClientApplication(
        CLIENT_ID,
        authority=f"{microsoft.url}/{tenant}",
        instance_discovery=False,
        http_client=session,
        **{"client_credential": CLIENT_SECRET, **given},
    )


def begin(app: Any, scopes: Iterable[str] = READ, **given: Any) -> dict[str, Any]:
    """Return a flow; its `auth_uri` is where the browser goes."""
    with warnings.catch_warnings():
        # It recommends form_post, for which the stand-in has no need.
        warnings.simplefilter("ignore", UserWarning)
        flow: dict[str, Any] = app.initiate_auth_code_flow(
            list(scopes), redirect_uri=BACK, state="s/1", **given
        )
    return flow


def returned(response: httpx.Response) -> dict[str, str]:
    """Return what the browser brings back to the program."""
    assert response.status_code == 302, response.text
    url = response.headers["location"]
    assert url.startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(url).query))


@dataclass(frozen=True, slots=True)
class Outlook:
    """Plain requests; with a token and with immutable ids unless others are given."""

    microsoft: Microsoft
    client: httpx.Client
    token: str = ""

    def visit(self, url: str, **given: Any) -> httpx.Response:
        """Open a page as a browser does."""
        return self.client.get(url, **given)

    def answer(self, page: httpx.Response, **form: str | list[str]) -> httpx.Response:
        """Answer the page's form."""
        text = html.unescape(page.text)
        action = re.search(r'action="([^"]+)"', text)
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)
        assert action is not None, page.text
        given: dict[str, Any] = {"decision": "allow"}
        for name, value in hidden:
            given.setdefault(name, []).append(value)
        return self.client.post(f"{self.microsoft.url}{action[1]}", data=given | form)

    def sign_in(self, app: Any, **given: Any) -> dict[str, Any]:
        """Go the whole way, with consent given as it was ordered, and return msal's result."""
        flow = begin(app, **given)
        brought = returned(self.visit(flow["auth_uri"]))
        result: dict[str, Any] = app.acquire_token_by_auth_code_flow(flow, brought)
        return result

    def ask(
        self, verb: str, path: str, token: str | None = None, prefer: str = IMMUTABLE, **given: Any
    ) -> httpx.Response:
        """Ask Graph; a path without a host is below `/v1.0`."""
        url = path if path.startswith("https:") else f"{self.microsoft.url}/v1.0{path}"
        known = self.token if token is None else token
        headers = {"authorization": f"Bearer {known}"} if known else {}
        headers |= {"prefer": prefer} if prefer else {}
        return self.client.request(verb, url, headers=headers, **given)

    def get(self, path: str, **given: Any) -> Any:
        """Return what Graph answers to a GET that must go well."""
        answer = self.ask("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, path: str, verb: str = "GET", **given: Any) -> tuple[int, str]:
        """Return the status and the code of a refusal."""
        answer = self.ask(verb, path, **given)
        return answer.status_code, answer.json()["error"]["code"]

    def round(self, path: str, page: int = 100) -> tuple[list[Any], str]:
        """Return all that a delta tells, to its end, and the link to the next round."""
        told: list[Any] = []
        while True:
            answer = self.get(path, prefer=f"{IMMUTABLE}, odata.maxpagesize={page}")
            told += answer["value"]
            if "@odata.deltaLink" in answer:
                return told, answer["@odata.deltaLink"]
            path = answer["@odata.nextLink"]


def outlook(microsoft: Microsoft, person: Person | None = None, **grant: Any) -> Outlook:
    """Return plain requests, with a person's token if one is named."""
    token = person.grant(**grant)["access_token"] if person else ""
    context = ssl.create_default_context(cafile=str(microsoft.ca_file))
    return Outlook(microsoft, httpx.Client(verify=context, trust_env=False), token)


def told(items: list[Any]) -> dict[str, str]:
    """Return what a delta tells of each message: '' or why it was removed."""
    return {each["id"]: each.get("@removed", {}).get("reason", "") for each in items}
