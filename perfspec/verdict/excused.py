"""Limits that something else than the service has broken: they would hold without it, so they are not judged."""

from collections.abc import Sequence

import msgspec

from perfspec.verdict.judge import Verdict

__all__ = ["excused"]


def excused(verdicts: Sequence[Verdict], without: Sequence[Verdict], reason: str) -> tuple[Verdict, ...]:
    """`without`: the same limits, as if what `reason` tells of had not been."""
    return tuple(
        msgspec.structs.replace(found, outcome="INCONCLUSIVE", reason=reason, strength="", proven=False)
        if found.outcome == "FAIL" and other.outcome != "FAIL"
        else found
        for found, other in zip(verdicts, without, strict=True)
    )
