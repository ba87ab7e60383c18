"""Who may use a sandbox: names of hosts, web pages, other machines with a token."""

from __future__ import annotations

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.wire.access import access_of
from tests.sandbox.sandbox_mail import client, mail

LOCAL_PAGE = {"Origin": "http://localhost:3000"}
FOREIGN_PAGES = ["https://attacker.example", "null", "http://localhost.attacker.example", "file://"]
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
NETWORK = {"host": "0.0.0.0", "allow_hosts": ["mail"], "tokens": ["secret", "other"]}


@pytest.fixture
def http(listening):
    """A client of a sandbox on a socket."""
    with client(listening) as http:
        yield http


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/email", "/server", "/_sandbox/messages", "/nowhere"])
def test_a_page_of_another_name_is_refused_everywhere(http, method, path):
    """A domain that resolves to 127.0.0.1 is still another name (DNS rebinding)."""
    for name in ("attacker.example", "attacker.example:8025", "", "localhost.attacker.example"):
        assert http.request(method, path, headers={"Host": name}).status_code == 421


def test_the_answer_to_another_name_says_how_to_allow_it(http):
    """A container calls the sandbox by the name of its service."""
    answer = http.post("/email", json=mail(), headers={"Host": "Mail.:8025"}).json()
    assert answer["ErrorCode"] == 421
    assert "--allow-host mail," in answer["Message"]


def test_a_refused_request_is_recorded_and_told_to_the_listener(listening, http):
    """So that a developer sees why a container gets no answer; the question of a browser is not."""
    records = []
    listening.listen(records.append)
    http.post("/email", json=mail(), headers={"Host": "mail"})
    http.post("/email", json=mail(), headers={"Origin": "null"})
    http.options("/email", headers=LOCAL_PAGE | ASK)
    assert [(each.path, each.http_status) for each in records] == [("/email", 421), ("/email", 403)]
    frame = listening.requests()
    assert frame["http_status"].tolist() == [421, 403]
    assert frame["number"].isna().all()


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST.:1", "127.0.0.9:1", "[::1]:1", "mail.localhost", "MAIL:8025"]
)
def test_the_names_of_this_machine_and_the_allowed_ones_are_answered(name):
    """And the name of Postmark, for a machine that resolves it to itself."""
    with LocalPostmark(allow_hosts=["mail"]) as sandbox, client(sandbox) as http:
        assert http.post("/email", json=mail(), headers={"Host": name}).status_code == 200
        assert http.get("/", headers={"Host": "api.postmarkapp.com"}).status_code == 200


@pytest.mark.parametrize("name", ["", "http://mail", "mail:80", "*", "a b", "m\nx", None, 1])
def test_an_allowed_name_is_the_name_of_a_host(name):
    """A pattern would allow names that nobody thought of."""
    with pytest.raises(SandboxError, match="is not the name of a host"):
        LocalPostmark(allow_hosts=[name])


# --- web pages -----------------------------------------------------------------------------------


def test_a_page_of_this_machine_may_post_and_read(http):
    """A front end in development sends from another port, and the browser asks first."""
    asked = http.options("/email", headers=LOCAL_PAGE | ASK)
    assert asked.status_code == 204
    assert asked.content == b""
    assert asked.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "content-type"
    for payload, status in ((mail(), 200), (mail(To="abc"), 422)):
        answer = http.post("/email", json=payload, headers=LOCAL_PAGE)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", FOREIGN_PAGES)
def test_a_page_of_another_machine_can_change_and_read_nothing(listening, http, origin):
    """It gets no permission, its posts are refused, and the browser keeps the rest from it."""
    page = {"Origin": origin}
    for path, method in (("/email", "POST"), ("/_sandbox/messages", "DELETE"), ("/", "PUT")):
        assert http.request(method, path, headers=page).status_code == 403
    answers = [http.options("/email", headers=page | ASK), http.get("/server", headers=page)]
    assert [answer.status_code for answer in answers] == [204, 200]
    assert not any("access-control" in name for answer in answers for name in answer.headers)
    assert listening.messages().empty


def test_a_form_of_another_machine_is_refused_if_the_browser_says_so(http):
    """Some browsers send no Origin with a form; a program sends neither header."""
    page = {"Sec-Fetch-Site": "cross-site"}
    assert http.post("/email", json=mail(), headers=page).status_code == 403
    assert http.post("/email", json=mail(), headers=page | LOCAL_PAGE).status_code == 200


def test_a_page_is_told_when_it_may_use_the_network_of_this_machine(http):
    """Chrome asks pages of a public address."""
    private = {"Access-Control-Request-Private-Network": "true"}
    asked = http.options("/email", headers=LOCAL_PAGE | ASK | private)
    assert asked.headers["access-control-allow-private-network"] == "true"


# --- other machines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"allow_hosts": ["mail"]},
        {"tokens": ["secret"]},
        {"allow_hosts": ["mail"], "tokens": ["POSTMARK_API_TEST"]},
        {"allow_hosts": ["mail"], "tokens": [" "]},
    ],
)
def test_other_machines_can_connect_only_with_a_name_and_a_token(options):
    """The error says what is missing."""
    with pytest.raises(SandboxError, match=r"other machines could connect.*--allow-host and --tok"):
        LocalPostmark(host="0.0.0.0", **options)


def test_the_token_of_a_server_made_over_http_counts_on_other_machines():
    """Until the server is deleted."""
    with LocalPostmark(**NETWORK) as sandbox, client(sandbox) as http:
        http.headers = {"Host": "mail", "Accept": "application/json"}
        account = {"X-Postmark-Account-Token": "secret"}
        made = http.post("/servers", json={"Name": "Shop"}, headers=account).json()
        token = {"X-Postmark-Server-Token": made["ApiTokens"][0]}
        assert http.post("/email", json=mail(), headers=token).status_code == 200
        http.delete(f"/servers/{made['ID']}", headers=account)
        refused = http.post("/email", json=mail(), headers=token)
        assert refused.status_code == 401
        assert "www-authenticate" in refused.headers


def test_a_sandbox_for_other_machines_needs_a_token_everywhere():
    """In a header of Postmark, or as the password that a browser asks for."""
    with LocalPostmark(**NETWORK) as sandbox, client(sandbox) as http:
        assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
        http.headers = {"Host": "mail:8025", "Accept": "application/json"}
        for path in ("/", "/server", "/_sandbox/messages", "/nowhere"):
            refused = http.get(path)
            assert refused.status_code == 401
            assert refused.json()["ErrorCode"] == 10
            assert refused.headers["www-authenticate"].startswith("Basic ")
        assert http.get("/", auth=("any", "SECRET")).status_code == 200
        assert http.get("/_sandbox/messages", auth=("", "other")).status_code == 200
        for auth in (("secret", ""), ("", "secretx"), ("", "POSTMARK_API_TEST"), ("é", "é")):
            assert http.get("/", auth=auth).status_code == 401
        for header in ("Basic", "Basic !", "Basic dG9rZW4=", "Bearer secret"):
            assert http.get("/", headers={"Authorization": header}).status_code == 401
        for name in ("X-Postmark-Server-Token", "X-Postmark-Account-Token"):
            assert http.get("/nowhere", headers={name: "Secret"}).status_code == 404
        page = {"Origin": "http://mail:8025"} | ASK
        assert http.options("/email", headers=page).status_code == 204


def test_the_rules_for_an_address_of_the_network_are_those_of_all():
    """Also for IPv6, and for one name in place of a list."""
    for host in ("192.168.1.20", "::", "mail.acme.example"):
        access = access_of(host, allow_hosts="mail", tokens=["secret"])
        assert (access.hosts, access.tokens) == ({"mail"}, {"secret"})
    assert access_of("127.0.0.1", tokens=["secret"]).tokens is None
