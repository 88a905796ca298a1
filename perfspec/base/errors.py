"""Exit codes, one table for every command, and the one base class of every error that is meant for the user.

Anything that reaches the command line and is no `PerfspecError` is a bug in perfspec and is said to be one.
"""

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["EnvironmentFailure", "ExitCode", "PerfspecError", "UsageFailure", "UsedUp", "worst"]


class ExitCode(IntEnum):
    """What the process tells its caller. Documented in docs/guide/exit-codes.md; never re-used for another meaning."""

    PASS = 0
    """Every threshold passed; warnings and skipped rows included."""
    THRESHOLD_FAILED = 1
    """A threshold failed, also when the run was aborted because of it."""
    SPEC = 2
    """The spec or the command line is wrong; nothing was sent."""
    INCONCLUSIVE = 3
    """No data, or the load generator itself was late: nobody may call this a pass."""
    ENVIRONMENT = 4
    """The target was unreachable, not ready or ruled out, no load was sent; or a document was not written whole."""
    BUG = 5
    """perfspec itself broke."""
    INTERRUPTED = 130
    """Ctrl-C; the results so far are written."""
    TERMINATED = 143
    """SIGTERM, or the terminal was closed (SIGHUP); the results so far are written."""


_ORDER = (
    ExitCode.BUG,
    ExitCode.SPEC,
    ExitCode.ENVIRONMENT,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.THRESHOLD_FAILED,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASS,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one code that stands for several runs; PASS if there are none."""
    return min(codes, key=_ORDER.index, default=ExitCode.PASS)


class PerfspecError(Exception):
    """An error whose text is written for the user: what happened, and what to do about it."""

    exit_code = ExitCode.BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageFailure(PerfspecError):
    """The call cannot be carried out as it was asked for."""

    exit_code = ExitCode.SPEC


class EnvironmentFailure(PerfspecError):
    """The target or this machine does not allow the run to begin."""

    exit_code = ExitCode.ENVIRONMENT


class UsedUp(Exception):
    """There is no row left for this user; `name` is the data that ran out. Not an error: the user leaves."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the rows of `{name}` are used up")
        self.name = name
