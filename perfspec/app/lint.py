"""Read and check a spec, with everything it includes and names."""

from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from posixpath import normpath

import orjson

from perfspec.app.schema import schema_text
from perfspec.base.errors import ExitCode, PerfspecError, UsageFailure
from perfspec.data.kinds import OF_FILES
from perfspec.data.table import Table
from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics, Severity
from perfspec.diagnostics.source import Source, Span
from perfspec.engine.wire import renderer
from perfspec.language.include import is_shared, load
from perfspec.language.nodes import Mapping
from perfspec.language.schema import Schema
from perfspec.load import Arrivals
from perfspec.plan.build import Choice, build, read_files
from perfspec.plan.estimates import estimate
from perfspec.plan.little import check_users
from perfspec.spec.checks import check
from perfspec.spec.kinds_of_data import check_expressions, check_paths
from perfspec.spec.model import Spec
from perfspec.spec.reading import SHORTEST_SECRET, read
from perfspec.spec.tags import check_tags
from perfspec.steps import requests

__all__ = ["Checked", "SpecFailure", "lint", "schema"]

_MOST_NAMES = 1_000
REFUSED = "PS503"
"""The code of a stage that an environment does not allow: a safety rule, not a mistake in the spec."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec as far as it could be understood, and everything found."""

    path: str
    spec: Spec | None
    findings: list[Diagnostic]
    sources: dict[str, Source]
    tables: dict[str, Table] = field(default_factory=dict)
    """The rows of data files, by the name of their generator."""
    merged: Mapping | None = None
    """The document with all that it includes."""

    @property
    def files(self) -> tuple[str, ...]:
        """What the spec reads beside other specs: data, uploads, and what environments verify with."""
        spec = self.spec
        if spec is None:
            return ()
        data = (each.path for each in spec.data if isinstance(each, OF_FILES))
        steps = (*spec.parts(), *(fragment.steps for fragment in spec.fragments.values()))
        uploads = (upload.path for part in steps for request in requests(part) for upload in request.files)
        tls = (each.access.tls for each in spec.environments.values())
        keys = (path for each in tls if each is not None for path in (each.ca, each.cert, each.key) if path)
        return tuple(dict.fromkeys((*data, *uploads, *keys)))

    @property
    def has_errors(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.findings)


class SpecFailure(PerfspecError):
    """The spec has errors; they are in `checked`."""

    exit_code = ExitCode.SPEC

    def __init__(self, checked: Checked) -> None:
        super().__init__(f"{checked.path} has errors")
        self.checked = checked
        if {d.code for d in checked.findings if d.severity is Severity.ERROR} == {REFUSED}:
            self.exit_code = ExitCode.ENVIRONMENT


@cache
def schema() -> Schema:
    """The words of the language."""
    return Schema(orjson.loads(schema_text()))


def lint(path: str, content: bytes | None = None) -> Checked:
    """Read and check one spec, all errors in one go. `content`: of the file, where it is not the one on disk.

    Raises UsageFailure for a file that cannot be read.
    """
    if content is None:
        content = content_of(path)
    out = Diagnostics()
    name = normpath(Path(path).as_posix())

    def spec_text(wanted: str) -> str | None:
        found = content if wanted == name else _bytes(wanted)
        return None if found is None else _decoded(found, wanted, out)

    loaded = load(name, spec_text, schema(), out, _root(path))
    spec: Spec | None = None
    tables: dict[str, Table] = {}
    if loaded.merged is not None and is_shared(loaded.merged):
        read(
            name, loaded.merged, out
        )  # what its parts are made of; how they fit together is up to those who include it
    elif loaded.merged is not None:
        spec = read(name, loaded.merged, out)
        check(spec, out)
        tables = read_files(
            spec, {data.path: _bytes(data.path) for data in spec.data if isinstance(data, OF_FILES)}, out, _beside
        )
        check_expressions(spec, loaded.merged, schema(), out)
        check_paths(spec, out)
        _check_requests(spec, out)
        check_tags(spec, tables, out)
        _check_users(spec, tables, out)
    return Checked(path, spec, out.sorted(), loaded.sources, tables, loaded.merged)


def _check_users(spec: Spec, tables: dict[str, Table], out: Diagnostics) -> None:
    """Will there be room for those who come? Asked of the first environment, with answers as slow as limits allow."""
    if out.has_errors or not spec.environments:
        return
    for stage in spec.stages.values():
        if any(isinstance(phase.shape, Arrivals) for phase in stage.phases):
            built = build(spec, Choice(stage.name), tables, Diagnostics())
            if built is not None:
                check_users(built, estimate(built, tables), out)


def _check_requests(spec: Spec, out: Diagnostics) -> None:
    """Build every request once: what cannot be put on the wire is a mistake in the spec."""
    first = next(iter(spec.environments.values()), None)
    if out.has_errors or first is None:
        return
    names: dict[str, object] = dict.fromkeys(("run.id", "run.stage", "run.environment"), "x")
    names |= {f"values.{name}": value.value for name, value in first.values.items()}
    names |= {f"secret.{name}": "x" * SHORTEST_SECRET for name in spec.secrets}
    for steps in spec.parts():
        for request in requests(steps):
            try:
                renderer(request, first.url, names)
            except OSError as error:
                missing = next((each for each in request.files if not Path(each.path).is_file()), request.files[0])
                message = f"there is no file `{missing.path}`" if not Path(missing.path).is_file() else str(error)
                out.add("PS430", message, missing.span, "paths are relative to the file that says them")
            except (ValueError, TypeError, LookupError) as error:
                out.add("PS113", f"this request cannot be sent: {error}", request.span, "look at its headers and body")


def _root(path: str) -> str | None:
    """The folder that includes must stay in: the repository around the spec, spelled like the spec's path."""
    folder = Path(path).parent
    for _ in range(20):
        if (folder / ".git").exists():
            return folder.as_posix()
        folder = folder.parent if folder.is_absolute() else folder / ".."
    return None


def content_of(path: str) -> bytes:
    """Raises UsageFailure where nothing can be read, or the name is one that no report could show."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode(errors="backslashreplace").decode()
        raise UsageFailure(f"the name of {shown} is no UTF-8", "rename it, or use a UTF-8 locale") from error
    try:
        return _read(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageFailure(f"{path} cannot be read: {why}", "name a spec, such as specs/search.yaml") from error


def _beside(path: str) -> list[str]:
    """The names of the files in the folder of this one."""
    try:
        return sorted(each.name for each in islice(Path(path).parent.iterdir(), _MOST_NAMES))
    except (OSError, ValueError):
        return []


def _bytes(path: str) -> bytes | None:
    """What a file holds, None if there is none that can be read."""
    try:
        return _read(path)
    except (OSError, ValueError):
        return None


def _read(path: str) -> bytes:
    """Of a file, or of a folder's complaint. A pipe or a device might never end."""
    where = Path(path)
    if where.exists() and not where.is_file() and not where.is_dir():
        raise ValueError("it is no file")
    return where.read_bytes()


def _decoded(content: bytes, path: str, out: Diagnostics) -> str:
    """The text of a spec. Where it is no UTF-8, that is said at its place, and the rest is read all the same."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = Source(path, content[: error.start].decode())
        line, column = len(before.lines), len(before.lines[-1]) + 1
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        message = "the file is UTF-16, not UTF-8" if wide else f"the byte 0x{content[error.start]:02x} is no UTF-8 text"
        out.add("PS012", message, Span(path, line, column, line, column + 1), "save the file as UTF-8")
        return content.decode(errors="replace")
