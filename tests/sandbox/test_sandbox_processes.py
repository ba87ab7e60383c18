"""The sandbox on the command line with several processes, some of which are killed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import HEADERS, mail
from tests.sandbox.sandbox_reads import PAGE, SEARCH

TIMEOUT_S = 60

BATCH = 40
# Posts whole batches until it is killed; says how many were answered.
SENDER = """
import http.client, json, sys
name, port, head, batch = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
connection = http.client.HTTPConnection("127.0.0.1", port)
for turn in range(10_000):
    connection.request("POST", "/email/batch", batch.replace("NAME", f"{name}-{turn}"), head)
    assert connection.getresponse().read()
    print(turn, flush=True)
"""
# Sends the head and half of the body, says so, and waits to be killed.
HALF_SENDER = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
head = b"POST /email/batch HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Length: 9000000\\r\\n\\r\\n"
connection.sendall(head + b" " * 4_500_000)
print("half", flush=True)
time.sleep(60)
"""


# Forks, lets the child use and close its copy, and is killed after another message.
FORKING = """
import os, signal, sys
import httpx
from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
in_process = sys.argv[2] == "in process"
head = {"X-Postmark-Server-Token": "any", "Accept": "application/json"}
mail = {"From": "a@x.test", "To": "b@x.test", "TextBody": "Hi"}
sandbox = LocalPostmark(db=sys.argv[1], in_process=in_process).start()
hook = {"Url": "http://127.0.0.1:1/", "Triggers": {"Delivery": {"Enabled": True}}}
transport = sandbox.transport() if in_process else httpx.HTTPTransport()
with httpx.Client(transport=transport, base_url=sandbox.url, headers=head) as http:
    http.post("/webhooks", json=hook)
    http.post("/email", json=mail | {"Subject": "before"})
    child = os.fork()
    if not child:
        try:
            sandbox.messages()
        except SandboxError as error:
            print(error, flush=True)
        with LocalPostmark(in_process=True) as own:
            assert own.messages().empty
        sandbox.close()
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    http.post("/email", json=mail | {"Subject": "after"})
os.kill(os.getpid(), signal.SIGKILL)
"""


def every_message(http):
    """The messages of all pages."""
    older = ""
    while older is not None:
        page = http.get("/_sandbox/messages", params={"count": 500, "before": older}).json()
        yield from page["Messages"]
        older = page["Older"]


def start(*command):
    """Start a process with its output as a pipe."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *command], **pipes)


def end(process, *, how=signal.SIGKILL):
    """End a process and return its unread output."""
    with process:
        process.send_signal(how)
        try:
            process.wait(10)
        finally:
            process.kill()  # does nothing to one that has ended
        return (
            process.stdout.read(),
            process.stderr.read(),
        )  # communicate would miss what readline read ahead


@pytest.fixture
def standalone():
    """The sandbox as a separate process, and its port."""
    process = start("-m", "mailframe", "sandbox", "--port", "0")
    try:
        lines = iter(process.stdout.readline, "")
        port = next(
            int(match[1])
            for line in lines
            if (match := re.search(r'base_url="http://.*:(\d+)"', line))
        )
        yield process, port
    finally:
        process.kill()
        with process:  # closes the pipes and waits
            pass


def reader(port):
    """A client of the separate sandbox."""
    return httpx.Client(
        transport=httpx.HTTPTransport(verify=False),
        base_url=f"http://127.0.0.1:{port}",
        headers=HEADERS | {"X-Postmark-Server-Token": "any"},
        timeout=300,
    )


def test_clients_that_are_killed_while_they_send_do_not_stop_it(standalone):
    """Six senders are killed at random, one within its body; only complete batches are accepted."""
    process, port = standalone
    batch = json.dumps(
        [mail(Subject=f"NAME m{i}", Metadata={"sender": "NAME"}) for i in range(BATCH)]
    )
    head = json.dumps(HEADERS | {"X-Postmark-Server-Token": "any"})
    senders = [start("-c", SENDER, str(name), str(port), head, batch) for name in range(6)]
    half = start("-c", HALF_SENDER, str(port))
    assert half.stdout.readline() == "half\n"
    end(half)
    for sender in senders:
        assert sender.stdout.readline() == "0\n"
    chance = random.Random(3)
    answered = []
    for sender in senders:
        time.sleep(chance.random() * 0.05)
        answered.append(1 + len(end(sender)[0].split()))
    with reader(port) as http:
        assert http.get("/server").json()["DeliveryType"] == "Sandbox"
        batches = Counter(row["Subject"].split()[0] for row in every_message(http))
        assert set(batches.values()) == {BATCH}
        for name, count in enumerate(answered):
            accepted = sum(1 for batch in batches if batch.startswith(f"{name}-"))
            # It was killed before it sent the next batch, or before it reported it.
            assert accepted in (count, count + 1)
        result = http.get(SEARCH, params=PAGE | {"metadata_sender": "0-0"}).json()
    assert result["TotalCount"] == BATCH
    assert process.poll() is None
    _, errors = end(process, how=signal.SIGINT)
    assert errors == ""


def test_the_end_of_the_reader_of_its_output_does_not_stop_it(standalone):
    """A broken pipe does not affect requests."""
    process, port = standalone
    process.stdout.close()
    with reader(port) as http:
        for _ in range(3):
            assert http.post("/email", json=mail()).json()["Message"] == "OK"
        assert http.get(SEARCH, params=PAGE).json()["TotalCount"] == 3
    assert process.poll() is None


FEW_FILES = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
sys.argv = ["mailframe", "sandbox", "--port", "0"]
runpy.run_module("mailframe", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_process_that_can_open_no_more_files_says_so_in_one_line(tmp_path):
    """It had written 512 tracebacks each second; clients that wait are accepted later."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", FEW_FILES]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        port = int(re.search(r":(\d+);", process.stdout.readline())[1])
        clients = [socket.create_connection(("127.0.0.1", port), TIMEOUT_S) for _ in range(50)]
        while not log.read_text():
            time.sleep(0.01)
        for client in clients[:-1]:
            client.close()
        clients[-1].sendall(b"GET /_sandbox/changes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert clients[-1].recv(15) == b"HTTP/1.1 200 OK"
        clients[-1].close()
        process.terminate()
        process.stdout.read()
    line = r"cannot accept a connection: Too many open files; \d+ are open\n"
    assert re.fullmatch(f"({line}){{1,3}}", log.read_text())  # 10 s may pass on a busy machine


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.parametrize("way", ["in process", "socket"])
def test_a_forked_process_leaves_the_file_to_its_parent(tmp_path, way):
    """The end of the child had removed the log with what the parent wrote later."""
    path = tmp_path / "kept.db"
    command = [sys.executable, "-W", "ignore", "-c", FORKING, path, way]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert f"the sandbox with the file {path} belongs to the process from which" in done.stdout
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert sandbox.messages()["Subject"].tolist() == ["before", "after"]


# A temporary sandbox that has moved to a file; its children try to use it, close it and end.
FORKING_SPILLED = """
import base64, gc, os, sys
import httpx
from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
head = {"X-Postmark-Server-Token": "any", "Accept": "application/json"}
mail = {"From": "a@x.test", "To": "b@x.test", "TextBody": "Hi"}
def post(count=1):
    with httpx.Client(transport=sandbox.transport(), base_url=sandbox.url, headers=head) as http:
        for _ in range(count):
            content = base64.b64encode(os.urandom(2_000_000)).decode()
            file = {"Name": "a.pdf", "Content": content, "ContentType": "application/pdf"}
            http.post("/email", json=mail | {"Attachments": [file]}).raise_for_status()
def refusals():
    for use in (sandbox.clear, post, sandbox.reset, sandbox.simulate, sandbox.messages):
        try:
            use()
        except SandboxError as error:
            yield str(error)
sandbox = LocalPostmark().start()
sandbox._store.database.connection.execute("pragma cache_size = -8192")  # it soon moves to a file
post(5)
for _ in range(3):
    child = os.fork()
    if not child:
        for text in refusals():
            print(text, flush=True)
        sandbox.close()
        del sandbox
        gc.collect()
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    post()
    print(sandbox._store.database.value("pragma integrity_check"), len(sandbox.messages()))
"""


# Forks with open connections, ends them as a fault does and by a close, and opens the port again.
FORKING_CONNECTED = """
import os, socket, threading
from mailframe.sandbox import LocalPostmark
sandbox = LocalPostmark(faults=["reset_accepted", "close_accepted"]).start()
def connection():
    client = socket.create_connection(("127.0.0.1", sandbox.port), timeout=10)
    return client, ask(client, "GET", "/_sandbox/changes")
def ask(client, method, path):
    client.sendall(f"{method} {path} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
    try:
        return client.recv(9999)[:9]
    except ConnectionError as error:
        return type(error).__name__
clients = [connection()[0] for _ in range(3)]
wait, end = os.pipe()
child = os.fork()
if not child:
    os.close(end)
    os.read(wait, 1)  # until the parent ends
    sandbox.close()
    os._exit(0)
print(*[ask(client, "POST", "/email") for client in clients[:2]])
sandbox.close()
print(clients[2].recv(9))
with LocalPostmark(port=int(clients[2].getpeername()[1])) as sandbox:
    print(connection()[1])
os.close(end)
print(os.waitpid(child, 0)[1])
"""


FORKING_WHILE_BUSY = """
import os, sys, threading
from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
sandboxes = [LocalPostmark(in_process=True, db=path) for path in [sys.argv[1], None]]
is_over = threading.Event()
def work():
    while not is_over.is_set():
        for sandbox in sandboxes:
            store = sandbox._store
            for lock in (store.lock, sandbox._webhooks._lock, store.lives.turn):
                with lock:
                    is_over.wait(0.002)
worker = threading.Thread(target=work, daemon=True)
worker.start()
for _ in range(30):
    child = os.fork()
    if not child:
        refused = 0
        for sandbox in sandboxes:
            for use in (sandbox.messages, lambda: sandbox.simulate(opens=1)):
                try:
                    use()
                except SandboxError:
                    refused += 1
            sandbox.close()
        os._exit(refused - 4)
    assert os.waitpid(child, 0)[1] == 0
is_over.set()
worker.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_process_forked_while_another_thread_uses_a_sandbox_does_not_hang(tmp_path):
    """A lock that it held, of the state, webhooks or simulations, stayed locked in the child."""
    command = [sys.executable, "-W", "ignore", "-c", FORKING_WHILE_BUSY, tmp_path / "kept.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_forked_processes_leave_a_temporary_sandbox_to_their_parent():
    """What a child wrote to the file that both had open had damaged the one of the parent."""
    command = [sys.executable, "-W", "ignore", "-c", FORKING_SPILLED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    refusals = [line for line in lines if line.startswith("this sandbox belongs to the process")]
    assert (lines[5::6], len(refusals)) == (["ok 6", "ok 7", "ok 8"], 15)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_keeps_no_connection_and_no_port_open():
    """A client of the parent had waited as long as the child lived; the port was in use."""
    command = [sys.executable, "-W", "ignore", "-c", FORKING_CONNECTED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n") == ["ConnectionResetError b''", "b''", "b'HTTP/1.1 '", "0", ""]
