"""Regular expressions as RE2 has them: the time a search takes grows with the text alone, whatever the pattern.

google-re2 carries them out where it is installed. Elsewhere the `regex` package does, which goes back and forth: there
a search that takes too long is given up and finds nothing. What RE2 does not have is refused before any run, on every
machine alike.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

__all__ = ["MAX_REPEAT", "Pattern", "PatternError", "compile_pattern", "outside_re2"]

MAX_REPEAT = 1000
"""RE2's own limit; nested repetitions multiply."""
GIVE_UP_S = 0.05
Span: TypeAlias = tuple[int, int]

_OUTSIDE: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"\(\?<?[=!]"), "looks ahead or behind", "match the whole, with `( )` around the wanted part"),
    (re.compile(r"\(\?>|[*+?}]\+"), "has a possessive or atomic part", "leave out the second `+`, or the `?>`"),
    (re.compile(r"\\[1-9]|\\[gk][<{']|\(\?P="), "refers back to an earlier group", "write the part out again"),
    (re.compile(r"\(\?[(|#R&]"), "has a condition, a comment or a recursion", "write it as a plain pattern"),
    (re.compile(r"\\Z"), "ends in `\\Z`", "write `$` or `\\z`"),
    (re.compile(r"\\[GKRX]"), "uses an escape that RE2 does not know", "write it as a plain pattern"),
)  # fmt: skip
_ATOM = re.compile(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]?|.", re.DOTALL)
"""One escape, one class, or one character."""
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class PatternError(ValueError):
    """No regular expression at all; the message says why, without a place."""


class Pattern(Protocol):
    def search(self, text: bytes) -> bool: ...
    def found(self, text: bytes) -> Iterator[str]:
        """All matches from the left: the first named group, else the first group, else the whole match."""
        ...


def outside_re2(pattern: str) -> tuple[int, int, str, str] | None:
    """The first thing that RE2 does not have: (start, end, what it does, what to do instead)."""
    at, last = 0, 1
    open_groups: list[int] = [1]  # how often the inside of each is repeated at most
    while at < len(pattern):
        atom = _ATOM.match(pattern, at)
        assert atom is not None  # any character is one
        if not atom[0].startswith(("[", r"\Q")):
            for outside, does, fix in _OUTSIDE:
                if found := outside.match(pattern, at):
                    return at, found.end(), does, fix
        repeat = _REPEAT.match(pattern, at)
        if repeat:
            last *= max(int(n) for n in repeat.groups() if n)
            open_groups[-1] = max(open_groups[-1], last)
            if last > MAX_REPEAT:
                return at, repeat.end(), f"repeats more than {MAX_REPEAT} times", f"write at most {MAX_REPEAT} in all"
            at = repeat.end()
            continue
        last = open_groups.pop() if atom[0] == ")" and len(open_groups) > 1 else 1
        open_groups[-1] = max(open_groups[-1], last)
        if atom[0] == "(":
            open_groups.append(1)
        at = atom.end()
    return None


def compile_pattern(pattern: str) -> Pattern:
    """Raises PatternError, also for what RE2 does not have."""
    if outside := outside_re2(pattern):
        raise PatternError(f"it {outside[2]}")
    return _engine()(pattern)


def _engine() -> Callable[[str], Pattern]:
    try:
        import re2  # noqa: F401, PLC0415 - an extra, and only specs with patterns pay for loading it
    except ImportError:
        return Backtracking
    return Linear


def _reason(pattern: str, otherwise: str) -> str:
    """In the words of Python's own parser where it objects, too: the same on every machine."""
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error).partition(" at position")[0]
    return otherwise


class Linear:
    """RE2 itself."""

    def __init__(self, pattern: str) -> None:
        import re2  # noqa: PLC0415 - see `_engine`

        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled: Any = re2.compile(pattern, options)
        except re2.error as error:
            said = error.args[0]
            text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
            raise PatternError(_reason(pattern, text.partition(":")[0])) from error
        self._group = _group(self._compiled)

    def search(self, text: bytes) -> bool:
        return self._compiled.search(text) is not None

    def found(self, text: bytes) -> Iterator[str]:
        group = self._group
        for match in self._compiled.finditer(text):
            yield (match.group(group) or b"").decode(errors="replace")


class Backtracking:
    r"""The `regex` package, with a limit on its time. It finds the same, but no letters beyond ASCII by `\p{L}`."""

    def __init__(self, pattern: str) -> None:
        import regex  # noqa: PLC0415 - see `_engine`

        try:
            self._compiled: Any = regex.compile(pattern.replace(r"\z", r"\Z"), regex.V0 | regex.ASCII)
        except (regex.error, OverflowError, RecursionError) as error:
            raise PatternError(_reason(pattern, str(error).partition(" at position")[0])) from error
        self._group = _group(self._compiled)

    def search(self, text: bytes) -> bool:
        try:
            return self._compiled.search(text.decode(errors="replace"), timeout=GIVE_UP_S) is not None
        except TimeoutError:
            return False

    def found(self, text: bytes) -> Iterator[str]:
        group = self._group
        try:
            for match in self._compiled.finditer(text.decode(errors="replace"), timeout=GIVE_UP_S):
                yield match.group(group) or ""
        except TimeoutError:
            return


def _group(compiled: Any) -> int:
    """Which group is the one that is wanted."""
    named: list[int] = sorted(compiled.groupindex.values())
    return named[0] if named else min(int(compiled.groups), 1)
