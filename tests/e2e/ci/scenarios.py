"""What the workflows are run on: pull requests after a push to main, three nights in a row, a week's search."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

WIDE = 3
"""Seconds: no limit is broken at night, so only the comparison can tell."""


def pulls(repository: Callable[..., Any], hub: Any, _: str) -> SimpleNamespace:
    """A push to main and pull requests after it, one after another, and the one comment after each."""
    repo = repository("pulls", hub)
    seen = SimpleNamespace(hub=hub, repo=repo, comments={})

    def ended(name: str, jobs: dict[str, Any]) -> None:
        setattr(seen, name, jobs)
        seen.comments[name] = [comment["body"] for comment in hub.comments]

    ended("main", repo.on_main("push", "perf-smoke"))
    ended("early", repo.pull_request("services/other.py", "pass  # changed\n"))
    ended("green", repo.pull_request(*repo.slowed()))
    ended("red", repo.pull_request(*repo.slowed("1200ms")))
    ended("nothing", repo.pull_request("services/other.py", "pass  # changed again\n"))
    ended("broken", repo.pull_request("specs/search.yaml", "perfspec: 1\nservce: x\n"))
    hub.may_write = False
    ended("fork", repo.pull_request("specs/search.yaml", "perfspec: 1\n"))
    return seen


def nights(repository: Callable[..., Any], hub: Any, spec: str) -> SimpleNamespace:
    """The first has nothing behind it, the second is like it, in the third a request has become slower.

    All are slow enough that a busy machine makes no regression of a quarter.
    """
    repo = repository("nights", hub, spec.replace("at most 1s", f"at most {WIDE}s"), PERF_WEBHOOK=f"{hub.url}/hook")
    seen = SimpleNamespace(hub=hub, told={}, wide=WIDE)
    for name, slower in (("first", "600ms"), ("second", "600ms"), ("third", "1100ms")):
        repo.commit(*repo.slowed(slower))
        setattr(seen, name, repo.on_main("schedule", "perf-nightly")["load"])
        seen.told[name] = list(hub.told)
    # Then nothing answers: no list of earlier runs, no spec that could run, and the secret is gone.
    repo.runner.secrets, repo.runner.token = {}, "wrong"
    repo.commit("specs/search.yaml", "perfspec: 1\nservce: x\n")
    seen.lost = repo.on_main("workflow_dispatch", "perf-nightly", environment="local")["load"]
    seen.told["lost"] = list(hub.told)
    return seen


def week(repository: Callable[..., Any], hub: Any, _: str) -> SimpleNamespace:
    repo = repository("week", hub)
    only = {"stage": "capacity", "spec": "specs/search.yaml"}
    job = repo.on_main("workflow_dispatch", "perf-stress", only, stage="capacity")["stress"]
    return SimpleNamespace(hub=hub, job=job)
