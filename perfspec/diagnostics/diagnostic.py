"""A finding about a spec, as data. Renderers decide how it looks, nothing else about it."""

from dataclasses import dataclass, field
from enum import StrEnum

from perfspec.diagnostics.codes import CODES
from perfspec.diagnostics.source import Span

__all__ = ["Diagnostic", "Diagnostics", "Edit", "Severity"]


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Edit:
    """What to write in place of a stretch."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """`message` is one terse phrase: lower case, no full stop, keys in backticks. `help` stands beside the caret."""

    code: str
    message: str
    span: Span
    help: str = ""
    severity: Severity = Severity.ERROR
    related: tuple[tuple[Span, str], ...] = field(default=())
    """Other places that contributed, each with a short label."""
    edits: tuple[Edit, ...] = field(default=())
    """What repairs it, where there is only one way to."""


class Diagnostics:
    """Collects findings so that one broken key never hides its siblings."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[Span, str, str], Diagnostic] = {}

    def add(self, code: str, message: str, span: Span, help: str = "", *,  # noqa: A002 - the fields' names
            severity: Severity = Severity.ERROR, related: tuple[tuple[Span, str], ...] = (),
            edits: tuple[Edit, ...] = ()) -> None:  # fmt: skip
        """Remember a finding; saying the same twice counts once."""
        assert code in CODES, f"{code} has no row in codes.py"
        self._found.setdefault((span, code, message), Diagnostic(code, message, span, help, severity, related, edits))

    def retract(self, code: str, span: Span) -> None:
        """Forget what another finding at the same place says better."""
        self._found = {key: found for key, found in self._found.items() if (found.code, found.span) != (code, span)}

    def extend(self, other: "Diagnostics") -> None:
        """Take over what another collection found."""
        for finding in other.sorted():
            self._found.setdefault((finding.span, finding.code, finding.message), finding)

    def sorted(self) -> list[Diagnostic]:
        """By file, line and column."""
        return [self._found[key] for key in sorted(self._found)]

    @property
    def has_errors(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self._found.values())
