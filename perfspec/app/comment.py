"""Keep one comment under a pull request up to date, through GitHub's REST API.

Transient answers (429, 403 with a wait, 5xx, lost connections) are tried again; what GitHub asks us to wait is waited,
up to a minute. A token that may not write, as in pull requests from forks, is told apart from a failure.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from perfspec.base.clock import wait_s
from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.report.comment import marker

__all__ = ["Place", "Posted", "comment", "place_of"]

API = "https://api.github.com"
TRIES = 4
LONGEST_WAIT_S = 60.0
TIMEOUT_S = 20.0
PAGE = 100
MOST_PAGES = 30
Posted = Literal["written", "updated", "not allowed"]


@dataclass(frozen=True, slots=True)
class Place:
    """A pull request, and with what right we write to it."""

    repository: str
    """`owner/name`."""
    number: int
    token: str
    api: str = API


def place_of(environment: Mapping[str, str], repository: str | None, number: int | None) -> Place:
    """From what was said and what GitHub Actions sets. Raises UsageFailure for what is missing."""
    repository = repository or environment.get("GITHUB_REPOSITORY")
    number = number or _of_event(environment.get("GITHUB_EVENT_PATH"))
    if not repository or "/" not in repository:
        raise UsageFailure("it is not known which repository the pull request is in", "add --repo OWNER/NAME")
    if not number:
        raise UsageFailure("it is not known which pull request to comment on", "add --pr NUMBER")
    token = environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN") or ""
    return Place(repository, number, token, environment.get("GITHUB_API_URL") or API)


def _of_event(path: str | None) -> int | None:
    """The number of the pull request that a workflow was started for."""
    if not path:
        return None
    try:
        event = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    found = (event.get("pull_request") or {}).get("number") if isinstance(event, dict) else None
    return found if isinstance(found, int) else None


def comment(place: Place, key: str, body: str, wait: Callable[[float], None] = wait_s) -> Posted:
    """Write the comment, or bring the one with our marker up to date.

    Raises EnvironmentFailure where GitHub cannot be reached or refuses for another reason than a missing right.
    """
    if not place.token:
        return "not allowed"
    headers = {"Authorization": f"Bearer {place.token}", "Accept": "application/vnd.github+json"}
    with httpx.Client(base_url=place.api, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as client:
        caller = _Caller(client, wait)
        own = _own(caller, place, key)
        if own is None:
            answer = caller.call("POST", f"{_issue(place)}/comments", {"body": body})
        else:
            answer = caller.call("PATCH", f"/repos/{place.repository}/issues/comments/{own}", {"body": body})
        if answer.status_code in (401, 403, 404):
            return "not allowed"
        _good(answer)
    return "written" if own is None else "updated"


def _issue(place: Place) -> str:
    return f"/repos/{place.repository}/issues/{place.number}"


def _own(caller: "_Caller", place: Place, key: str) -> int | None:
    """The number of our comment, if there is one."""
    wanted = marker(key)
    for found in _comments(caller, place):
        if isinstance(found, dict) and str(found.get("body", "")).startswith(wanted):
            return int(found["id"])
    return None


def _comments(caller: "_Caller", place: Place) -> Iterator[Any]:
    for page in range(1, MOST_PAGES + 1):
        answer = caller.call("GET", f"{_issue(place)}/comments?per_page={PAGE}&page={page}")
        if answer.status_code in (401, 403, 404):
            return
        _good(answer)
        found = answer.json()
        yield from found
        if len(found) < PAGE:
            return


def _good(answer: httpx.Response) -> None:
    if not answer.is_success:
        message = f"GitHub answered {answer.status_code} to {answer.request.method} {answer.request.url.path}"
        raise EnvironmentFailure(message, answer.text[:200])


@dataclass(frozen=True, slots=True)
class _Caller:
    client: httpx.Client
    wait: Callable[[float], None]

    def call(self, method: str, path: str, document: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer, after as many tries as it takes. Raises EnvironmentFailure if none comes."""
        for number in range(TRIES):
            is_last = number == TRIES - 1
            try:
                answer = self.client.request(method, path, json=document)
            except httpx.HTTPError as error:
                if is_last:
                    raise EnvironmentFailure(f"GitHub cannot be reached: {error}", "try again later") from error
                self.wait(2.0**number)
                continue
            wanted = _wanted_wait(answer, number)
            if wanted is None or is_last:
                return answer
            self.wait(min(wanted, LONGEST_WAIT_S))
        raise AssertionError("the last try returns or raises")


def _wanted_wait(answer: httpx.Response, number: int) -> float | None:
    """How long to wait before another try; None where another try would change nothing."""
    said = answer.headers.get("retry-after", "")
    if answer.status_code in (403, 429) and (said.isdigit() or answer.headers.get("x-ratelimit-remaining") == "0"):
        return float(said) if said.isdigit() else 2.0**number
    if answer.status_code == 429 or answer.status_code >= 500:
        return 2.0**number
    return None


def surroundings() -> Mapping[str, str]:
    """The environment variables of this process."""
    return os.environ
