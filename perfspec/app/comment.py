"""Keep one comment under a pull request up to date, through GitHub's REST API.

Transient answers (429, 403 with a wait, 5xx, lost connections) are tried again; what GitHub asks us to wait is waited,
up to a minute. Never are there two: before a comment is sent again it is looked for. A token that may not write, as in
pull requests from forks, is told apart from a failure.
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
Posted = Literal["written", "updated", "nothing there", "not allowed"]


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


def comment(
    place: Place, key: str, body: str, *, only_update: bool = False, wait: Callable[[float], None] = wait_s
) -> Posted:
    """Write the comment, or bring the one with our marker up to date. `only_update`: where there is none, write none.

    Raises EnvironmentFailure where GitHub cannot be reached or refuses for another reason than a missing right.
    """
    if not place.token:
        return "not allowed"
    headers = {"Authorization": f"Bearer {place.token}", "Accept": "application/vnd.github+json"}
    with httpx.Client(base_url=place.api, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as client:
        thread = _Thread(_Caller(client, wait), place, marker(key))
        answer = thread.update(body)
        if answer is None and only_update:
            return "nothing there"
        updated = answer is not None and answer.is_success
        if answer is None or answer.status_code in (403, 404):  # deleted meanwhile, or somebody else's
            answer = thread.write(body)
    if answer.status_code in (401, 403, 404):
        return "not allowed"
    _good(answer)
    return "updated" if updated else "written"


def _good(answer: httpx.Response) -> None:
    if not answer.is_success:
        message = f"GitHub answered {answer.status_code} to {answer.request.method} {answer.request.url.path}"
        raise EnvironmentFailure(message, answer.text[:200])


@dataclass(frozen=True, slots=True)
class _Caller:
    client: httpx.Client
    wait: Callable[[float], None]

    def call(
        self,
        method: str,
        path: str,
        document: Mapping[str, str] | None = None,
        came_through: Callable[[], httpx.Response | None] = lambda: None,
    ) -> httpx.Response:
        """The answer, after as many tries as it takes. `came_through`: asked before another try; an answer ends it.

        Raises EnvironmentFailure if none comes, or GitHub still wants us to wait after the last try.
        """
        for number in range(TRIES):
            if number and (done := came_through()) is not None:
                return done
            is_last = number == TRIES - 1
            try:
                answer = self.client.request(method, path, json=document)
            except httpx.HTTPError as error:
                if is_last:
                    raise EnvironmentFailure(f"GitHub cannot be reached: {error}", "try again later") from error
                self.wait(2.0**number)
                continue
            wanted = _wanted_wait(answer, number)
            if wanted is None:
                return answer
            if is_last:
                _good(answer)
            self.wait(min(wanted, LONGEST_WAIT_S))
        raise AssertionError("the last try returns or raises")


@dataclass(frozen=True, slots=True)
class _Thread:
    """The comments of one pull request, of which one may be ours."""

    caller: _Caller
    place: Place
    marker: str

    def update(self, body: str) -> httpx.Response | None:
        """What came of it; None where there is no comment of ours."""
        for found in self._comments():
            if isinstance(found, dict) and str(found.get("body", "")).startswith(self.marker):
                path = f"/repos/{self.place.repository}/issues/comments/{int(found['id'])}"
                return self.caller.call("PATCH", path, {"body": body})
        return None

    def write(self, body: str) -> httpx.Response:
        """A new one. Where the answer was lost it may be there already, and a second one would grow old."""
        return self.caller.call("POST", self._path, {"body": body}, lambda: self.update(body))

    @property
    def _path(self) -> str:
        return f"/repos/{self.place.repository}/issues/{self.place.number}/comments"

    def _comments(self) -> Iterator[Any]:
        for page in range(1, MOST_PAGES + 1):
            answer = self.caller.call("GET", f"{self._path}?per_page={PAGE}&page={page}")
            if answer.status_code in (401, 403, 404):
                return
            _good(answer)
            found = answer.json()
            yield from found
            if len(found) < PAGE:
                return


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
