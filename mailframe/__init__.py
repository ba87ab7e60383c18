"""mailframe: from a pandas DataFrame to a Postmark campaign and back.

Rows in; the same rows out, with ``MessageID`` and ``ErrorCode``. The import registers ``df.mail``.
"""

import typing as _typing

from mailframe import errors
from mailframe._menu import install as _install
from mailframe._version import __version__
from mailframe.accessor import register as _register
from mailframe.campaign import Campaign, compose
from mailframe.letter.attachment import Attachment
from mailframe.letter.letter import Letter
from mailframe.message.batch import Batch
from mailframe.message.message import Message
from mailframe.message.plan import Plan
from mailframe.message.problem_frame import Problems
from mailframe.postmark.client import GetResult, Postmark
from mailframe.postmark.responses import Answer, Outcome, Verdict
from mailframe.postmark.sandbox import Sandbox
from mailframe.problems import Code, Severity
from mailframe.results.csv import read_results
from mailframe.results.frame import Status
from mailframe.results.summary_line import Results
from mailframe.review.diff.difference import Difference
from mailframe.review.preview.pages import Page
from mailframe.review.preview.static_preview import StaticPreview
from mailframe.review.tour import Branch, Stop, Tour
from mailframe.send.ledger.tools import adopt, audit, forget, history, prune, reconcile, resolve

if _typing.TYPE_CHECKING:
    from mailframe.review.preview.widget import Preview  # noqa: TC004 - imported at its first use

_register()

__all__ = [
    "Answer",
    "Attachment",
    "Batch",
    "Branch",
    "Campaign",
    "Code",
    "Difference",
    "GetResult",
    "Letter",
    "Message",
    "Outcome",
    "Page",
    "Plan",
    "Postmark",
    "Preview",
    "Problems",
    "Results",
    "Sandbox",
    "Severity",
    "StaticPreview",
    "Status",
    "Stop",
    "Tour",
    "Verdict",
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

_install(__name__, lazy={"Preview": "mailframe.review.preview.widget"})
