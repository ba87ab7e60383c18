"""A monthly report: nobody gets a detail row, a file or a picture of somebody else.

By hand, at full size::

    python -m tests.test_monthly_report 2000 50000
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import struct
import sys

import httpx

import mailframe as mf
from benchmarks.reports import compose, details, people
from tests.message.test_images import png


class Recorder(httpx.BaseTransport):
    """Keeps the messages of each request, on its way to the sandbox."""

    def __init__(self, transport):
        self.messages, self._transport = [], transport

    def handle_request(self, request):
        """Keep and pass on."""
        body = request.read()
        if request.url.path == "/email/batch":
            self.messages += json.loads(body)
        return self._transport.handle_request(request)


def picture(row):
    """A picture whose width is the id of its person, plus one."""
    return png(int(row["id"]) + 1, 1)


def check(people_count, detail_count):
    """Send a report to each person, and compare all that arrives with the frames.

    Returns:
        The number of messages.
    """
    rows = details(detail_count, of=people_count)
    expected = {
        owner: of_owner["item"].tolist() for owner, of_owner in rows.groupby("id", sort=False)
    }
    nested = people(people_count).mail.nest(orders=rows, on="id")
    campaign = compose(nested.sample(frac=1, random_state=1), draw=picture)
    with mf.Sandbox() as sandbox:
        posted = Recorder(httpx.HTTPTransport())
        server = mf.Postmark(sandbox.token, base_url=sandbox.url, transport=posted)
        results = campaign.send(server, progress=False, ledger=None)
        assert results["status"].eq("accepted").all()
        assert len(sandbox.messages()) == people_count
    for message in posted.messages:
        owner = int(re.search(r"person\.(\d+)@", message["To"])[1])
        _assert_own(message, owner, expected.get(owner, []))
    return len(posted.messages)


def _assert_own(message, owner, items):
    for body in (message["HtmlBody"], message["TextBody"]):
        assert re.findall(r"item \d+ of person-\d+\.", body) == items
    files = {one["Name"]: base64.b64decode(one["Content"]) for one in message["Attachments"]}
    [image] = [content for name, content in files.items() if name.endswith(".png")]
    assert struct.unpack(">I", image[16:20]) == (owner + 1,)
    lines = list(csv.DictReader(io.StringIO(files["orders.csv"].decode("utf-8-sig"))))
    assert [line["item"] for line in lines] == items
    assert f"{len(items)} orders" in message["Subject"]


def test_each_person_gets_the_own_details_file_and_picture():
    """With the people in another order than the details."""
    assert check(150, 3_000) == 150


if __name__ == "__main__":
    sys.stdout.write(f"{check(int(sys.argv[1]), int(sys.argv[2])):,} messages, each its own\n")
