"""Which runs may be compared: those of the same load against the same environment from the same kind of machine.

What is said about the load counts, not where in the file it stands, and not the limits: a threshold that was changed
makes no other test. Nor does the number of processes that sent it: the requests and their moments are the same.
"""

from hashlib import sha256
from typing import Any

import msgspec

from perfspec.base.codec import encode
from perfspec.plan.model import Plan

__all__ = ["fingerprint"]

DIGITS = 16


def fingerprint(plan: Plan, machine: str) -> str:
    """Equal for comparable runs. `machine`: the class of the load generator, such as `Linux x86_64, 2 cores`."""
    load = {
        "service": plan.service,
        "stage": plan.stage,
        "environment": plan.target.environment,
        "phases": plan.phases,
        "warmup": plan.warmup_ns,
        "setup": plan.setup,
        "search": plan.search,
        "each_user": plan.each_user,
        "flows": plan.flows,
        "uploads": plan.uploads,
        "data": plan.data,
        "machine": machine,
    }
    said = _without_places(msgspec.json.decode(encode(load)))
    return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:DIGITS]


def _without_places(value: Any) -> Any:
    """Spans are lists of a path and four numbers, in fields or inside of texts."""
    if isinstance(value, dict):
        return {name: _without_places(inner) for name, inner in value.items() if not name.endswith(("span", "spans"))}
    if isinstance(value, list):
        return [_without_places(inner) for inner in value if not _is_place(inner)]
    return value


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 5
        and isinstance(value[0], str)
        and all(type(number) is int for number in value[1:])
    )
