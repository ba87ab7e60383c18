"""A local Postmark: the same requests, answers and refusals; no mail leaves the machine.

It shares no code with the rest of mailframe but the error tree: if both sides read Postmark's documentation
through the same code, one misreading would pass on both. They meet only in ``tests/postmark_answers/``.
"""

from mailframe.sandbox.fault_schedule import Arrival, Fault
from mailframe.sandbox.faults import FaultName, SearchFaultName
from mailframe.sandbox.local import LocalPostmark
from mailframe.sandbox.serve import serve

__all__ = ["Arrival", "Fault", "FaultName", "LocalPostmark", "SearchFaultName", "serve"]
