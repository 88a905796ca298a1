"""Tell somebody how a run went. Whatever becomes of that, the run and its exit code are what they are.

The address is a secret, and so is every text masked before it leaves: a broken limit may quote an answer.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from perfspec.app.report import Finished
from perfspec.base.clock import wait_s
from perfspec.base.codec import Malformed, decode, encode
from perfspec.base.masking import masked
from perfspec.engine.slicelog import NAME as LOG_NAME
from perfspec.report.notice import as_document, as_slack, message
from perfspec.report.result import Result
from perfspec.spec.slo import Notice

__all__ = ["notify"]

TRIES = 3
TIMEOUT_S = 5.0
MOST_RUNS = 200
"""So many earlier runs are looked at."""
UNDECIDED = ("INTERRUPTED", "NOT_STARTED")
"""Outcomes that say nothing about the service."""


class Earlier(msgspec.Struct, frozen=True):
    """What has to be known of an earlier run."""

    spec: str
    stage: str
    environment: str
    outcome: str


def notify(
    notice: Notice, finished: Finished, secrets: Mapping[str, str], wait: Callable[[float], None] = wait_s
) -> str:
    """What went wrong, in a sentence; empty if nothing did, or nobody wants to hear of it."""
    result, link = finished.result, _link(os.environ, finished.folder)
    recovered = result.outcome == "PASS" and notice.when == "recovered" and _failed_before(finished)
    if not _wanted(notice, result, recovered=recovered):
        return ""
    text = masked(message(result, link, recovered=recovered), secrets.values())
    body = as_slack(text) if notice.kind == "slack" else as_document(text, result, link)
    content = masked(encode(body).decode(), secrets.values()).encode()
    try:
        problem = _sent(secrets[notice.secret], content, wait)
    except KeyboardInterrupt:
        problem = "interrupted"
    return masked(f"{notice.kind} could not be told: {problem}", secrets.values()) if problem else ""


def _wanted(notice: Notice, result: Result, *, recovered: bool) -> bool:
    """An interrupted run has its reader: whoever interrupted it."""
    if notice.when == "failed":
        return result.outcome not in ("PASS", "INTERRUPTED")
    return notice.when == "always" or recovered


def _sent(address: str, content: bytes, wait: Callable[[float], None]) -> str:
    """Why it was not, after as many tries as make sense; empty if it was."""
    import httpx  # noqa: PLC0415 - a tenth of a second that most runs need not pay

    problem = ""
    for number in range(TRIES):
        if number:
            wait(2.0 ** (number - 1))
        try:
            answer = httpx.post(
                address, content=content, headers={"Content-Type": "application/json"}, timeout=TIMEOUT_S
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return f"its address is none: {error}"
        except httpx.HTTPError as error:
            problem = str(error) or type(error).__name__
            continue
        if answer.is_success:
            return ""
        problem = f"it answered {answer.status_code}"
        if answer.status_code != 429 and answer.status_code < 500:
            return problem
    return problem


def _link(environment: Mapping[str, str], folder: Path) -> str:
    """To the job of the CI server, where there is one; else the run folder."""
    server, repository, run = (environment.get(f"GITHUB_{n}") for n in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return environment.get("CI_JOB_URL") or environment.get("BUILD_URL") or str(folder)


def _failed_before(finished: Finished) -> bool:
    """How the run before this one went: of the same spec, stage and environment, in a folder beside this one's."""
    now = finished.result
    for earlier in _earlier(finished.folder):
        same = (earlier.spec, earlier.stage, earlier.environment) == (now.spec, now.stage, now.environment)
        if same and earlier.outcome not in UNDECIDED:
            return earlier.outcome != "PASS"
    return False


def _earlier(folder: Path) -> Iterator[Earlier]:
    """The newest first, by when their logs ended: a result can be made anew at any time."""
    logs: list[tuple[float, Path]] = []
    for log in folder.resolve().parent.glob(f"*/{LOG_NAME}"):
        if log.parent != folder.resolve():
            try:
                logs.append((log.stat().st_mtime, log.parent))
            except OSError:
                continue
    for _, found in sorted(logs, reverse=True)[:MOST_RUNS]:
        try:
            yield decode((found / "result.json").read_bytes(), Earlier)
        except (OSError, Malformed):
            continue
