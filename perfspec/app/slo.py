"""What follows from the promises in specs: read once, written as rules, dashboards, documents."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from perfspec.app.find import runnable
from perfspec.app.lint import Checked, SpecFailure, lint
from perfspec.app.report import write_whole
from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.slo.objectives import Promises, promises_of

__all__ = ["Promised", "promised", "write"]


class Promised(NamedTuple):
    services: tuple[Promises, ...]
    silent: tuple[str, ...]
    """The specs that promise nothing."""


def promised(names: Sequence[str]) -> Promised:
    """The promises of these specs; a folder stands for the specs in it.

    Raises SpecFailure for the first spec that has errors, UsageFailure where nothing is promised or a service has two.
    """
    found: dict[str, tuple[str, Promises]] = {}
    silent = []
    for path in runnable(tuple(names)):
        spec = _good(lint(path)).spec
        promises = promises_of(spec) if spec is not None else None
        if promises is None:
            silent.append(path)
        elif promises.service in found:
            first = found[promises.service][0]
            message = f"{first} and {path} both make promises for the service {promises.service}"
            raise UsageFailure(message, "keep `slo` in one of them")
        else:
            found[promises.service] = path, promises
    if not found:
        raise UsageFailure(
            f"{', '.join(names)}: nothing is promised there", "add `slo: {availability: at least 99.9%}`"
        )
    return Promised(tuple(promises for _, promises in found.values()), tuple(silent))


def _good(checked: Checked) -> Checked:
    if checked.has_errors:
        raise SpecFailure(checked)
    return checked


def write(path: Path, data: bytes) -> None:
    """Raises EnvironmentFailure if the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise EnvironmentFailure(f"{path} could not be written: {error.strerror}", "choose another --out") from error
