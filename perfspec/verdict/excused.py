"""Limits that something else than the service has broken: they would hold without it, so they are not judged."""

from collections.abc import Sequence

import msgspec

from perfspec.verdict.judge import Verdict

__all__ = ["excused", "unjudged"]


def excused(verdicts: Sequence[Verdict], without: Sequence[Verdict], instead: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """`without`: the same limits, as if that something had not been. `instead`: what is said where it broke one."""
    return tuple(
        said if found.outcome == "FAIL" and other.outcome != "FAIL" else found
        for found, other, said in zip(verdicts, without, instead, strict=True)
    )


def unjudged(verdicts: Sequence[Verdict], reason: str) -> tuple[Verdict, ...]:
    return tuple(
        msgspec.structs.replace(each, outcome="INCONCLUSIVE", reason=reason, strength="", proven=False)
        for each in verdicts
    )
