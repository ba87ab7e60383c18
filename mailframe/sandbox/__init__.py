"""A local Postmark: the same requests, answers and refusals; no mail leaves the machine.

It shares only errors, HTML pages and columns of text with the rest of mailframe. If both sides
shared code that implements Postmark's documentation, one misreading would pass on both.
"""

from mailframe.sandbox.faults.names import FaultName, SearchFaultName
from mailframe.sandbox.faults.schedule import Arrival, Fault
from mailframe.sandbox.local.postmark import LocalPostmark
from mailframe.sandbox.serve import serve
from mailframe.sandbox.wire.limits import Limits

__all__ = ["Arrival", "Fault", "FaultName", "Limits", "LocalPostmark", "SearchFaultName", "serve"]
