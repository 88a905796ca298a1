"""`traceparent`, as W3C Trace Context has it: a service that traces continues the trace that a request begins.

The ids are a function of the run, the user, the round, the step and the pass, never of time: the same run asked for
again has the same ones, and two runs never share any, which a store of traces would take for one.
"""

import re
from collections.abc import Callable

from perfspec.base import random
from perfspec.steps.runtime import Vars

__all__ = ["trace_id", "traceparent"]

_HEADER = re.compile(rb"(?i)\r\ntraceparent:[ \t]*[0-9a-f]{2}-([0-9a-f]{32})-")


def traceparent(at: str, run_id: str) -> Callable[[Vars], bytes]:
    """The header's value for the step at this address. It asks for the trace to be kept."""
    run, place = random.site(run_id), random.site(at)

    def header(names: Vars) -> bytes:
        key = random.mix(names.base ^ run, place + names.step * random.PASS_STRIDE)
        mix = random.mix
        return b"00-%016x%016x-%016x-01" % (mix(key, 1), mix(key, 2), mix(key, 3) or 1)

    return header


def trace_id(message: bytes) -> str:
    """The trace that a request belongs to, whoever wrote its header; empty without one."""
    found = _HEADER.search(message)
    return found[1].decode().lower() if found else ""
