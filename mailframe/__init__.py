"""mailframe: from a pandas DataFrame to a Postmark campaign and back.

Rows in; the same rows out, with ``MessageID`` and ``ErrorCode``. The import registers ``df.mail``.
Each public name is imported at its first use, so that the import takes a few milliseconds.
"""

import typing as _typing

from mailframe import errors
from mailframe._menu import install as _install
from mailframe._version import __version__
from mailframe.notebook import is_command as _is_command

if _typing.TYPE_CHECKING:
    from mailframe.campaign import Campaign
    from mailframe.composing import compose
    from mailframe.datasets.campaign import DatasetCampaign, messages
    from mailframe.datasets.partition import render_partition
    from mailframe.datasets.writing import survey, write_messages
    from mailframe.letter.attachment import Attachment
    from mailframe.letter.letter import Letter
    from mailframe.letter.row_functions import each
    from mailframe.message.batch import Batch
    from mailframe.message.html_sources import html
    from mailframe.message.images import image
    from mailframe.message.message import Message
    from mailframe.message.plan import Plan
    from mailframe.message.problem_frame import Problems
    from mailframe.outcomes.by_name import outcomes
    from mailframe.outcomes.event_files import read_events
    from mailframe.postmark.client import Postmark
    from mailframe.postmark.replies import GetResult
    from mailframe.postmark.responses import Answer, Outcome, Verdict
    from mailframe.postmark.sandbox import Sandbox
    from mailframe.problems import Code, Severity
    from mailframe.results.csv import read_results
    from mailframe.results.row_results import Status
    from mailframe.results.summary_line import Results
    from mailframe.review.diff.difference import Difference
    from mailframe.review.preview.pages import Page
    from mailframe.review.preview.static_preview import StaticPreview
    from mailframe.review.preview.widget import Preview
    from mailframe.review.tour import Branch, Stop, Tour
    from mailframe.send.ledger.erasure import forget, prune
    from mailframe.send.ledger.tools import adopt, audit, history, reconcile, resolve

__all__ = [
    "Answer",
    "Attachment",
    "Batch",
    "Branch",
    "Campaign",
    "Code",
    "DatasetCampaign",
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
    "each",
    "errors",
    "forget",
    "history",
    "html",
    "image",
    "messages",
    "outcomes",
    "prune",
    "read_events",
    "read_results",
    "reconcile",
    "render_partition",
    "resolve",
    "survey",
    "write_messages",
]

_LAZY_NAMES = {
    "Answer": "mailframe.postmark.responses",
    "Attachment": "mailframe.letter.attachment",
    "Batch": "mailframe.message.batch",
    "Branch": "mailframe.review.tour",
    "Campaign": "mailframe.campaign",
    "Code": "mailframe.problems",
    "DatasetCampaign": "mailframe.datasets.campaign",
    "Difference": "mailframe.review.diff.difference",
    "GetResult": "mailframe.postmark.replies",
    "Letter": "mailframe.letter.letter",
    "Message": "mailframe.message.message",
    "Outcome": "mailframe.postmark.responses",
    "Page": "mailframe.review.preview.pages",
    "Plan": "mailframe.message.plan",
    "Postmark": "mailframe.postmark.client",
    "Preview": "mailframe.review.preview.widget",
    "Problems": "mailframe.message.problem_frame",
    "Results": "mailframe.results.summary_line",
    "Sandbox": "mailframe.postmark.sandbox",
    "Severity": "mailframe.problems",
    "StaticPreview": "mailframe.review.preview.static_preview",
    "Status": "mailframe.results.row_results",
    "Stop": "mailframe.review.tour",
    "Tour": "mailframe.review.tour",
    "Verdict": "mailframe.postmark.responses",
    "adopt": "mailframe.send.ledger.tools",
    "audit": "mailframe.send.ledger.tools",
    "compose": "mailframe.composing",
    "each": "mailframe.letter.row_functions",
    "forget": "mailframe.send.ledger.erasure",
    "history": "mailframe.send.ledger.tools",
    "html": "mailframe.message.html_sources",
    "image": "mailframe.message.images",
    "messages": "mailframe.datasets.campaign",
    "outcomes": "mailframe.outcomes.by_name",
    "prune": "mailframe.send.ledger.erasure",
    "read_events": "mailframe.outcomes.event_files",
    "read_results": "mailframe.results.csv",
    "reconcile": "mailframe.send.ledger.tools",
    "render_partition": "mailframe.datasets.partition",
    "resolve": "mailframe.send.ledger.tools",
    "survey": "mailframe.datasets.writing",
    "write_messages": "mailframe.datasets.writing",
}
"""The module of each public name that is imported at its first use."""

if not _is_command():
    from mailframe.accessor import register as _register

    _register()
_install(__name__, lazy=_LAZY_NAMES)
