"""What every call has: parameters honoured or refused, errors in Google's form, batches."""

from __future__ import annotations

import gzip
import http.client
import json
import urllib.request
from urllib.parse import urlencode

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from tests.fakes.google import Google, Person
from tests.fakes_own.clients import error_of, gmail, mail


def get(google: Google, path: str, token: str | None = None, headers=None, **query):
    url = f"{google.url}/gmail/v1/users/{path}"
    url += f"?{urlencode(query, doseq=True)}" if query else ""
    named = dict(headers or {}) | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, headers=named)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.fixture
def token(anna: Person) -> str:
    return anna.grant()["access_token"]


def test_only_the_wanted_fields_are_answered(anna, users):
    message_id = anna.deliver(mail())

    listed = users.messages().list(userId="me", fields="messages/id,nextPageToken").execute()
    found = (
        users.messages()
        .get(userId="me", id=message_id, fields="payload(headers(name),body/*)")
        .execute()
    )

    assert {"messages": [{"id": message_id}]} == listed
    assert {"headers", "body"} == found["payload"].keys()
    assert {"name": "From"} == found["payload"]["headers"][0]
    assert {"size", "data"} == found["payload"]["body"].keys()


@pytest.mark.parametrize("fields", ["nothing", "messages/nothing", "messages(", "a b", "id/x", ","])
def test_fields_that_are_not_there_are_refused(fields, users):
    assert (400, "invalidParameter") == error_of(users.messages().list(userId="me", fields=fields))


@pytest.mark.parametrize(
    ("status", "query"),
    [
        (200, {"prettyPrint": "false", "quotaUser": "someone", "alt": "json"}),
        (200, {"key": "AIzaSyStandInForGoogle"}),
        (200, {"maxResults": "0"}),
        (400, {"key": "another"}),
        (400, {"unheard": "of"}),
        (400, {"maxResults": "501"}),
        (400, {"maxResults": "-1"}),
        (400, {"maxResults": "many"}),
        (400, {"includeSpamTrash": "perhaps"}),
        (400, {"quotaUser": "x" * 41}),
        (400, {"q": ["a", "b"]}),
        (400, {"labelIds": "Label_99"}),
        (501, {"alt": "media"}),
        (501, {"callback": "call"}),
        (501, {"uploadType": "media"}),
    ],
)
def test_a_parameter_is_honoured_or_refused(status, query, google, token):
    assert status == get(google, "me/messages", token, **query)[0]


def test_json_is_indented_unless_it_is_not_wanted(google, token):
    _, _, pretty = get(google, "me/profile", token)
    _, _, compact = get(google, "me/profile", token, prettyPrint="false")

    assert b'{\n  "emailAddress"' == pretty[:18]
    assert b'{"emailAddress"' == compact[:15]


def test_an_answer_is_packed_when_both_headers_ask_for_it(google, anna, token):
    message_id = anna.deliver(mail(body="x" * 5000))
    asked = {"accept-encoding": "gzip", "user-agent": "mine (gzip)"}

    _, headers, body = get(google, f"me/messages/{message_id}", token, asked)
    _, plain, _ = get(google, f"me/messages/{message_id}", token, {"accept-encoding": "gzip"})

    assert ("gzip", None) == (headers["content-encoding"], plain["content-encoding"])
    assert message_id == json.loads(gzip.decompress(body))["id"]


def test_a_call_without_a_token_is_asked_to_sign_in(google):
    status, headers, body = get(google, "me/profile")

    assert (401, 'Bearer realm="https://accounts.google.com/"') == (
        status,
        headers["www-authenticate"],
    )
    assert "required" == json.loads(body)["error"]["errors"][0]["reason"]


def test_a_dead_token_is_named_invalid(google, anna, token):
    anna.expire_access_tokens()

    status, headers, body = get(google, "me/profile", token)

    assert 401 == status
    assert 'error="invalid_token"' in headers["www-authenticate"]
    assert ("authError", "UNAUTHENTICATED") == (
        json.loads(body)["error"]["errors"][0]["reason"],
        json.loads(body)["error"]["status"],
    )


def test_the_second_error_format_has_no_list(google):
    _, _, body = get(google, "me/profile", **{"$.xgafv": "2"})

    assert {"code", "message", "status"} == json.loads(body)["error"].keys()


def test_a_token_may_stand_in_the_query(google, token):
    assert 200 == get(google, "me/profile", access_token=token)[0]


def test_lacking_scopes_are_insufficient_permissions(google, anna):
    with gmail(google, anna, "openid email") as users:
        refused = error_of(users.messages().list(userId="me"))

    assert (403, "insufficientPermissions") == refused


def test_labels_may_not_be_read_by_a_scope_that_only_sends(google, anna):
    scope = "https://www.googleapis.com/auth/gmail.send"
    with gmail(google, anna, scope) as users:
        refused = error_of(users.labels().list(userId="me"))

    assert (403, "insufficientPermissions") == refused


def test_a_method_that_is_not_served_says_so(google, anna):
    with gmail(google, anna, "https://mail.google.com/") as users:
        refused = error_of(users.threads().list(userId="me"))

    assert (501, "notImplemented") == refused


def test_an_unknown_path_is_a_page(google, token):
    status, headers, _ = get(google, "me/unheard-of", token)

    assert (404, "text/html; charset=utf-8") == (status, headers["content-type"])


def test_a_batch_answers_each_part_for_itself(google, anna):
    made = [anna.deliver(mail(subject=f"Mail {n}")) for n in range(4)]
    anna.delete(made[3])
    google.throttle(1, method="gmail.users.messages.get")
    seen: dict[str, object] = {}

    def note(request_id, answer, error):
        seen[request_id] = error.resp.status if error else answer["id"]

    with gmail(google, anna) as users:
        batch = batch_of(google, note)
        for message_id in made:
            batch.add(users.messages().get(userId="me", id=message_id), request_id=message_id)
        batch.execute()

    assert {made[0]: 429, made[1]: made[1], made[2]: made[2], made[3]: 404} == seen


def batch_of(google: Google, note):
    return BatchHttpRequest(callback=note, batch_uri=f"{google.url}/batch/gmail/v1")


def test_a_batch_of_more_than_a_hundred_is_refused_whole(google, anna):
    with gmail(google, anna) as users:
        batch = batch_of(google, None)
        for _ in range(101):
            batch.add(users.getProfile(userId="me"))
        with pytest.raises(HttpError) as refused:
            batch.execute()

    assert 400 == refused.value.resp.status
    assert 0 == anna.counters().units.total()


def test_a_part_of_a_batch_may_have_its_own_token(google, anna):
    bert = google.add_account("bert@firm.example")
    one, other = anna.grant()["access_token"], bert.grant()["access_token"]
    part = (
        "--b\r\nContent-Type: application/http\r\nContent-ID: <{id}>\r\n\r\n"
        "GET /gmail/v1/users/me/profile HTTP/1.1\r\n{token}\r\n\r\n"
    )
    body = part.format(id="a", token="") + part.format(
        id="b", token=f"Authorization: Bearer {other}\r\n"
    )
    body += part.format(id="c", token="Authorization: Bearer dead\r\n") + "--b--\r\n"
    connection = http.client.HTTPConnection(google.url.removeprefix("http://"))
    connection.request(
        "POST",
        "/batch",
        body.encode(),
        {"content-type": "multipart/mixed; boundary=b", "authorization": f"Bearer {one}"},
    )
    answer = connection.getresponse().read().decode()
    connection.close()

    parts = answer.split("--batch_")[1:4]
    assert ["<response-a>", "<response-b>", "<response-c>"] == [
        part.partition("Content-ID: ")[2].partition("\r\n")[0] for part in parts
    ]
    assert [True, True, True] == [
        wanted in part
        for wanted, part in zip(
            ["anna@firm.example", "bert@firm.example", "HTTP/1.1 401 Unauthorized"],
            parts,
            strict=True,
        )
    ]
