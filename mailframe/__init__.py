"""mailframe: from a pandas DataFrame to a Postmark campaign and back.

Rows in; the same rows out, with ``MessageID`` and ``ErrorCode``. Importing it registers ``df.mail``.
"""

from mailframe import errors
from mailframe._menu import install as _install
from mailframe._version import __version__
from mailframe.accessor import register as _register
from mailframe.campaign import Campaign, compose
from mailframe.letter.attachment import Attachment
from mailframe.letter.letter import Letter
from mailframe.message.models import Batch, Message
from mailframe.message.preflight import Plan
from mailframe.postmark.client import Postmark
from mailframe.postmark.local import Sandbox
from mailframe.problems import Code, Severity
from mailframe.results.csv import read_results
from mailframe.results.frame import Status
from mailframe.review.tour import Tour
from mailframe.send.ledger.tools import adopt, audit, forget, history, prune, reconcile, resolve

_register()

__all__ = [
    "Attachment",
    "Batch",
    "Campaign",
    "Code",
    "Letter",
    "Message",
    "Plan",
    "Postmark",
    "Sandbox",
    "Severity",
    "Status",
    "Tour",
    "__version__",
    "adopt",
    "audit",
    "compose",
    "errors",
    "forget",
    "history",
    "prune",
    "read_results",
    "reconcile",
    "resolve",
]

_install(__name__)
