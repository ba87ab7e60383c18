"""HEAD, OPTIONS and methods that a path does not have, over a socket and in process."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_mail import client


@pytest.mark.parametrize("path", ["/", "/server", "/_sandbox/messages", "/nowhere"])
def test_head_is_answered_as_get_without_a_body(either, path):
    """The next request on the same connection is answered, too."""
    with client(either) as http:
        full, head = http.get(path), http.head(path)
        assert (head.status_code, head.content) == (full.status_code, b"")
        assert head.headers["content-length"] == str(len(full.content))
        assert head.headers["content-type"] == full.headers["content-type"]
        assert http.get(path).status_code == full.status_code


@pytest.mark.parametrize(
    ("path", "allowed"), [("/email", "POST, OPTIONS"), ("/messages/outbound", "GET, HEAD, OPTIONS")]
)
def test_options_and_a_wrong_method_name_the_methods_of_a_path(either, path, allowed):
    """A wrong one has 405 in Postmark's shape; case and a slash at the end are ignored."""
    with client(either) as http:
        options = http.options(path)
        assert (options.status_code, options.content) == (204, b"")
        wrong = http.request("PATCH", f"{path.upper()}/")
        assert (wrong.status_code, wrong.json()["ErrorCode"]) == (405, 405)
        assert options.headers["allow"] == wrong.headers["allow"] == allowed
        assert http.options("/nowhere").status_code == 404


def test_a_head_or_options_of_an_endpoint_that_sends_is_no_send(either):
    """Neither is numbered, and neither uses up a fault."""
    either.fault("http_429")
    with client(either) as http:
        assert http.head("/email").status_code == 405
        assert http.options("/email").status_code == 204
    assert either.requests()["number"].isna().all()
    assert either.requests()["fault"].isna().all()
