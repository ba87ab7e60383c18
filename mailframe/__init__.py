"""mailframe: from a pandas DataFrame to a Postmark campaign and back.

Rows in; the same rows out, with ``MessageID`` and ``ErrorCode``. Importing it registers ``df.mail``.
"""

from mailframe import errors
from mailframe._version import __version__
from mailframe.accessor import register as _register
from mailframe.aftercare import adopt, audit, forget, history, prune, reconcile, resolve
from mailframe.campaign import Campaign, compose
from mailframe.export import read_results
from mailframe.inspection import Plan
from mailframe.letter import Attachment, Letter
from mailframe.local import Sandbox
from mailframe.menu import install as _install
from mailframe.message import Batch, Message
from mailframe.postmark import Postmark
from mailframe.problems import Code, Severity
from mailframe.results import Status
from mailframe.tour import Tour

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
