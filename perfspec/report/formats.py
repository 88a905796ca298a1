"""Every format of a report by name. A format is one file: results in, bytes out; it knows nothing of files."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from perfspec.report.csv import to_csv
from perfspec.report.github import many_to_github
from perfspec.report.html.page import many_to_html
from perfspec.report.junit import many_to_junit
from perfspec.report.markdown import many_to_markdown
from perfspec.report.prometheus import many_to_prometheus
from perfspec.report.result import Result, to_json

__all__ = ["FORMATS", "OF_A_RUN", "Format"]

Render = Callable[[Sequence[Result]], bytes]


class Format(NamedTuple):
    about: str
    render: Render


def _json(results: Sequence[Result]) -> bytes:
    """One result as it is; several as a list of them."""
    if len(results) == 1:
        return to_json(results[0])
    return b"[\n" + b",\n".join(to_json(result).rstrip() for result in results) + b"\n]\n"


def _each(render: Callable[[Result], bytes], between: bytes = b"") -> Render:
    return lambda results: between.join(render(result) for result in results)


def _with_files(results: Sequence[Result]) -> bytes:
    return many_to_junit(results, with_files=True)


FORMATS: Mapping[str, Format] = {
    "html": Format("a page for people, in one file", many_to_html),
    "json": Format("everything known of the run, by schema/result-1.schema.json", _json),
    "junit": Format("XML as CI servers read it", many_to_junit),
    "junit-file-attr": Format("the same with the spec's file on every case, for GitLab", _with_files),
    "csv": Format("two tables: what was judged, and each series", _each(to_csv, b"\n")),
    "markdown": Format("for the summary of a CI step, or a comment", many_to_markdown),
    "github": Format("annotations for GitHub Actions", many_to_github),
    "prometheus": Format("metrics as text, for a collector or a Pushgateway", many_to_prometheus),
}
OF_A_RUN = (("result.json", "json"), ("junit.xml", "junit"), ("report.html", "html"))
"""What a run folder gets at the end of the run."""
