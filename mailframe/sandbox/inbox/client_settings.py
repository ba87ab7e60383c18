"""How known clients of Postmark are pointed at a sandbox. Texts only."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

SETTINGS: Final = {
    "mailframe": 'mf.Postmark("{token}", base_url="{url}")',
    "postmark-python": 'ServerClient("{token}", base_url="{url}")',
    "postmarker": 'PostmarkClient("{token}", root_api_url="{url}")',
    "pystmark": 'pystmark.POSTMARK_API_URL_SECURE = "{url}"',
    "django-anymail": (
        'ANYMAIL = {{"POSTMARK_SERVER_TOKEN": "{token}", "POSTMARK_API_URL": "{url}"}}'
    ),
    "postmark.js": (
        'new ServerClient("{token}", {{ requestHost: "{host}:{port}", useHttps: false }})'
    ),
    "Ruby": 'Postmark::ApiClient.new("{token}", host: "{host}", port: {port}, secure: false)',
    "Rails": (
        'config.action_mailer.postmark_settings = {{ api_token: "{token}", host: "{host}", '
        "port: {port}, secure: false }}"
    ),
    "PHP": 'PostmarkClientBase::$BASE_URL = "{url}"; $client = new PostmarkClient("{token}");',
    ".NET": 'new PostmarkClient("{token}", "{url}")',
    "Java": 'Postmark.getApiClient("{token}", false, "{host}:{port}")',
}
"""The line for each client; none of them reads the URL from the environment."""
CURL: Final = """\
curl {url}/email \\
  -H 'X-Postmark-Server-Token: {token}' \\
  -H 'Accept: application/json' \\
  -H 'Content-Type: application/json' \\
  -d '{{"From": "hello@acme.example", "To": "ann@example.com", "Subject": "Hi", "TextBody": "Hi!"}}'
"""
"""A command that sends an email."""


def client_settings(url: str, *, token: str) -> str:
    """One line for each client.

    Args:
        url: the URL of the sandbox.
        token: the token to show.

    >>> print(client_settings("http://127.0.0.1:8025", token="any").splitlines()[1])
      postmark-python  ServerClient("any", base_url="http://127.0.0.1:8025")
    """
    width = max(map(len, SETTINGS))
    return "".join(
        f"  {name:<{width}}  {line}\n" for name, line in client_lines(url, token=token).items()
    )


def client_lines(url: str, *, token: str) -> dict[str, str]:
    """The line of each client by its name.

    >>> client_lines("http://localhost", token="any")["Java"]
    'Postmark.getApiClient("any", false, "localhost:80")'
    """
    name, mark, number = urlsplit(url).netloc.rpartition(":")
    host, port = (name, number) if mark else (number, "80")
    values = {"url": url, "token": token, "host": host, "port": port}
    return {client: line.format(**values) for client, line in SETTINGS.items()}


def curl(url: str, *, token: str) -> str:
    """The command that sends an email."""
    return CURL.format(url=url, token=token)
