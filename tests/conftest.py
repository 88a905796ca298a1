"""What could not be checked on this machine is said aloud, never passed over.

    def test_reports_validate(not_checked_here, published_schema):
        if shutil.which("xmllint") is None:
            not_checked_here("xmllint is missing")
        schema = published_schema("junit-10.xsd")

`not_checked_here(reason)` skips the test; the reason stands at the end of the run as `not checked here: reason`, and
with PERFSPEC_NOT_CHECKED_IS_FATAL=1 the run fails. `required=False` marks what no set-up can bring, such as a folder
beside the checkout: said, too, but never fatal. Every other skip counts as not checked, and one without a reason fails.
Markers: `slow` only in `make test-long`.
"""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT.parent / "shared" / "schemas"
SAID = "not checked here: "
OPTIONAL = " (not required)"
FATAL = "PERFSPEC_NOT_CHECKED_IS_FATAL"
NO_REASON = ("", "unconditional skip")


@pytest.fixture(scope="session")
def not_checked_here() -> Callable[..., NoReturn]:
    """End the test; the reason is shown in the summary of the run."""

    def skip(reason: str, *, required: bool = True) -> NoReturn:
        pytest.skip(SAID + reason + ("" if required else OPTIONAL))

    return skip


FRAME = {
    "perfspec": "perfspec: 1",
    "service": "service: shop",
    "environments": 'environments: {local: {url: "http://127.0.0.1:8080"}}',
    "flows": "flows: {look: {steps: [{get: /products, name: products}]}}",
    "thresholds": "thresholds: {all: {errors: under 1%}}",
}
"""What a spec needs; an example may leave it out."""


@pytest.fixture(scope="session")
def completed() -> Callable[[str], str]:
    """An example as a whole spec. One whose first key is `perfspec` is whole already."""

    def run(example: str) -> str:
        keys = re.findall(r"^(\w+):", example, re.MULTILINE)
        if not keys or keys[0] == "perfspec":
            return example
        return "\n".join([example.rstrip(), *(line for key, line in FRAME.items() if key not in keys)])

    return run


@pytest.fixture(scope="session")
def published_schema(not_checked_here) -> Callable[[str], Path]:
    """The path of a schema that others have published, from the folder `shared/schemas` beside the checkout."""

    def find(name: str) -> Path:
        path = SCHEMAS / name
        if not path.is_file():
            not_checked_here(f"no {name} in ../shared/schemas", required=False)
        return path

    return find


class Unchecked:
    """Collects what was skipped, and fails the run where that was without a reason, or not allowed."""

    def __init__(self, *, fatal: bool) -> None:
        self.fatal = fatal
        self.reasons: dict[str, str] = {}
        """Test -> reason."""

    @property
    def unexplained(self) -> list[str]:
        return [test for test, reason in self.reasons.items() if reason in NO_REASON]

    @property
    def failed(self) -> bool:
        required = [reason for reason in self.reasons.values() if not reason.endswith(OPTIONAL)]
        return bool(self.unexplained or (self.fatal and required))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped, too.
        if not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[report.nodeid] = report.longrepr[2].removeprefix("Skipped: ").removeprefix("Skipped")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.failed and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        explained = {reason.removeprefix(SAID) for reason in self.reasons.values()} - set(NO_REASON)
        for reason in sorted(explained):
            terminalreporter.write_line(SAID + reason)
        for test in self.unexplained:
            terminalreporter.write_line(f"{test} was skipped without a reason, which fails the run")
        if self.failed and not self.unexplained:
            terminalreporter.write_line(f"the run fails, because {FATAL} is set")


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under `nohup` all programs that tests start would ignore it
    config.pluginmanager.register(Unchecked(fatal=os.environ.get(FATAL) == "1"), "unchecked")
