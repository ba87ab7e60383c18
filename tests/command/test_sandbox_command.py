"""``mailframe sandbox``: its options and variables, up to the sandbox that they make."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from mailframe.cli import main
from mailframe.command.arguments import make_parser
from mailframe.command.sandbox import sandbox_of
from mailframe.command.sandbox_arguments import (
    APPROVALS,
    DELIVERY_TYPES,
    OPTIONS,
    with_variables,
)
from mailframe.command.sandbox_values import LIMITS, STREAM_TYPES
from mailframe.sandbox import Limits, LocalPostmark
from mailframe.sandbox.checks.account import Approval, DeliveryType, StreamType
from mailframe.sandbox.state.store import KEEP
from tests.sandbox.sandbox_mail import client, mail

SEVERAL = {
    "--token": ["one", "two"],
    "--server": ["shop=shop-token", "shop=other"],
    "--sender": ["hello@example.com", "acme.example"],
    "--stream": ["outbound=transactional", "news=Broadcast"],
    "--suppress": ["ann@example.com", "news:bob@example.com"],
    "--fault": ["http_429:request=3:times=none", "slow:delay_s=0.001:path=/server"],
    "--allow-host": ["mail", "mail.acme.example"],
    "--webhook-host": ["app", "worker"],
    "--limit": ["idle_s=2.5", "head_bytes=2000"],
}
ONE = {
    "--port": "0",
    "--host": "localhost",
    "--public-url": "http://links.test:80/sandbox/",
    "--approval": "approved",
    "--delivery-type": "live",
    "--server-id": "77",
    "--seed": "1",
    "--delay": "0.001",
    "--index-delay": "60",
    "--keep": "2",
    "--paused": "yes",
    "--bulk": "no",
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    """The person who runs the tests may have some."""
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


def values(*arguments, **variables):
    """The values of a command line and an environment."""
    chosen = make_parser().parse_args(["sandbox", *arguments])
    return with_variables(chosen, {f"MAILFRAME_SANDBOX_{n}": text for n, text in variables.items()})


def as_options():
    """Every option on one command line."""
    several = [part for name, texts in SEVERAL.items() for text in texts for part in (name, text)]
    return [*several, *(part for pair in ONE.items() for part in pair)]


def as_variables():
    """Every option as a variable."""
    texts = {name: ", ".join(each) for name, each in SEVERAL.items()} | ONE
    return {name[2:].replace("-", "_").upper(): text for name, text in texts.items()}


def test_options_and_variables_mean_the_same():
    """Both have every option but the file, which has a test of its own."""
    assert {f"--{option.name}" for option in OPTIONS} - {"--db"} == {*SEVERAL, *ONE}
    assert values(*as_options()) == values(**as_variables())


def test_every_option_reaches_the_sandbox():
    """Seen by a client."""
    with sandbox_of(values(*as_options())) as sandbox, client(sandbox) as http:
        assert (sandbox.token, sandbox.server_id, sandbox.index_delay_s) == ("one", 77, 60.0)
        assert http.get("/server").json()["DeliveryType"] == "Live"
        settings = http.get("/_sandbox/settings").json()
        assert (settings["Paused"], settings["Bulk"], settings["Delay"]) == (True, False, 0.001)
        assert sandbox._limits == Limits(idle_s=2.5, head_bytes=2000)
        for token, status in (("two", 200), ("shop-token", 200), ("other", 200), ("three", 401)):
            assert http.get("/server", headers={"X-Postmark-Server-Token": token}).status_code == (
                status
            )
        assert http.post("/email", json=mail(From="x@no.example")).json()["ErrorCode"] == 400
        news = mail(MessageStream="news", To="bob@example.com")
        assert http.post("/email", json=news).json()["ErrorCode"] == 406
        assert http.post("/email", json=mail(To="bob@example.com")).status_code == 429
        assert http.get("/", headers={"Host": "mail"}).status_code == 200
        assert http.get("/", headers={"Host": "links.test"}).status_code == 200
        assert sandbox.public_url == "http://links.test:80/sandbox"
        hooks = [{"Url": f"http://{host}/", "Triggers": {}} for host in ("worker", "other")]
        answers = [http.post("/webhooks", json=hook).json()["Status"] for hook in hooks]
        assert answers == ["verified", "unverified"]
        assert sandbox.suppressions("news", server=77)["EmailAddress"].tolist() == [
            "ann@example.com",
            "bob@example.com",
        ]


def test_an_option_replaces_its_variable_and_an_empty_variable_is_none():
    """Also one that can be repeated: the two are not joined."""
    assert values("--token", "a", TOKEN="b,c")["token"] == ["a"]
    assert values("--port", "1", PORT="2")["port"] == 1
    assert values(PORT=" ", TOKEN="")["port"] == 8025
    assert values(TOKEN="")["token"] is None


def test_a_flag_needs_no_value():
    """As a variable it has one, in the words that people use."""
    assert values("--paused", "--port", "0")["paused"] is values(PAUSED="1")["paused"] is True
    assert values()["paused"] is values(PAUSED="false")["paused"] is False


def test_a_variable_of_kubernetes_is_no_port():
    """It makes such a variable for a service that is called mailframe-sandbox."""
    assert values(PORT="tcp://10.0.0.1:8025")["port"] == 8025


def test_the_file_of_a_sandbox_keeps_its_messages(tmp_path):
    """After a restart, with the same command."""
    chosen = values("--db", str(tmp_path / "kept.db"), "--port", "0")
    for count in (1, 2):
        with sandbox_of(chosen) as sandbox, client(sandbox) as http:
            assert http.post("/email", json=mail()).status_code == 200
            assert len(sandbox.messages()) == count


WRONG = [
    ("--port", "65536", "65536 is not a port"),
    ("--port", "x", "x is not a port"),
    ("--token", " ", "a value is empty"),
    ("--server", "shop", "'shop' is not NAME=TOKEN"),
    ("--stream", "news=bulk", "'news=bulk' is not ID=TYPE, such as news=broadcast"),
    *(
        ("--suppress", text, f"{text!r} is not an address, STREAM:ADDRESS or SERVER/STREAM:ADDRESS")
        for text in ("ann", ":ann@x.test", "/news:ann@x.test", "shop/:ann@x.test")
    ),
    ("--fault", "slow:request", "'slow:request' is not NAME or NAME:OPTION=VALUE"),
    ("--fault", "slow:speed=1", "the options are request, times, delay_s"),
    ("--fault", "slow:request=0", "0 is below 1"),
    ("--keep", "0", "0 is below 1"),
    ("--seed", "1.5", "'1.5' is not a whole number"),
    ("--delay", "-1", "'-1' is not a number of seconds"),
    ("--index-delay", "nan", "'nan' is not a number of seconds"),
    ("--paused", "maybe", "'maybe' is not yes or no"),
    ("--bulk", "2", "'2' is not yes or no"),
    ("--limit", "idle=5", "'idle=5' is not NAME=NUMBER, such as idle_s=5; the names are head_s, "),
    ("--limit", "idle_s=soon", "'soon' is not a number"),
    ("--approval", "maybe", "'maybe' is not one of approved, pending, refused"),
]


@pytest.mark.parametrize(("option", "text", "message"), WRONG)
def test_a_wrong_value_is_named_with_its_option_or_its_variable(
    option, text, message, monkeypatch, capsys
):
    """The exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        main(["sandbox", f"{option}={text}"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert f"argument {option}: " in error
    assert message in error
    if text.strip():
        variable = f"MAILFRAME_SANDBOX_{option[2:].replace('-', '_').upper()}"
        monkeypatch.setenv(variable, text)
        assert main(["sandbox"]) == 2
        error = capsys.readouterr().err
        assert f"mailframe: the environment variable {variable}: " in error
        assert message in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "http_418"], "there is no fault 'http_418'"),
        (["--suppress", "nowhere:ann@example.com"], "no sending stream 'nowhere'"),
        (
            ["--server", "news=two", "--stream", "News=broadcast", "--suppress", "News:a@x.test"],
            "'News' is the server or a stream; write SERVER/STREAM:a@x.test, such as News/outbound",
        ),
        (["--host", "0.0.0.0"], "add allow_hosts="),
        (["--host", "0.0.0.0", "--allow-host", "mail"], "(--allow-host and --token)"),
        (["--allow-host", "http://mail"], "'http://mail' is not the name of a host"),
        (["--server", "a=1", "--server", "b=1"], "two servers cannot have the same token"),
        (["--db", "/nowhere/at/all.db"], "all.db cannot be opened"),
        (["--limit", "idle_s=0"], "idle_s is above 0; found 0.0"),
    ],
)
def test_values_that_do_not_fit_end_with_2(arguments, message, capsys):
    """They are known only to the sandbox."""
    assert main(["sandbox", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_ends_with_1(capsys):
    """The message says what to do."""
    with LocalPostmark() as sandbox:
        assert main(["sandbox", "--port", str(sandbox.port)]) == 1
    assert "(--port 0) takes a free one" in capsys.readouterr().err


def test_the_choices_are_those_of_the_sandbox():
    """The parser does not import it."""
    assert set(STREAM_TYPES) == set(StreamType)
    assert set(APPROVALS) == set(Approval)
    assert set(DELIVERY_TYPES) == set(DeliveryType)
    assert set(LIMITS) == {limit.name for limit in fields(Limits)}
    assert values()["keep"] == KEEP


def test_help_has_every_option_and_the_variables():
    """Without an import of pandas."""
    script = (
        "import sys; sys.argv = ['mailframe']; from mailframe.cli import main\n"
        "try: main(['sandbox', '--help'])\n"
        "finally: print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert all(f"--{option.name} " in done.stdout for option in OPTIONS)
    assert "MAILFRAME_SANDBOX_PORT=8025" in done.stdout
    assert done.stdout.endswith("False\n")
