"""Ask a Prometheus how much of their error budgets services have used."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import httpx

from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.slo.objectives import Promises
from perfspec.slo.status import Count, Status, questions, status

__all__ = ["ask"]

TIMEOUT_S = 30.0


def ask(services: Sequence[Promises], prometheus: str) -> list[Status]:
    """The state of every promise that is measured.

    Raises EnvironmentFailure where Prometheus cannot be reached or does not answer, UsageFailure for no address.
    """
    try:
        url = httpx.URL(prometheus.rstrip("/"))
    except httpx.InvalidURL as error:
        raise UsageFailure(f"`{prometheus}` is no address: {error}", "write http://127.0.0.1:9090") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageFailure("the address of Prometheus is not whole", "write http://127.0.0.1:9090")
    with httpx.Client(timeout=TIMEOUT_S) as client:
        return [
            status(promises, each, Count(*(_value(client, url, query) for query in questions(each))))
            for promises in services
            for each in promises.measured
        ]


def _value(client: httpx.Client, url: httpx.URL, query: str) -> Fraction | None:
    """The one number of an answer. None where there is none."""
    place = f"Prometheus at {url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"
    try:
        answer = client.post(f"{url}/api/v1/query", data={"query": query})
        document: Any = answer.json()
    except httpx.HTTPError as error:
        raise EnvironmentFailure(f"{place} cannot be reached: {error}", "look at --prometheus") from error
    except ValueError as error:
        raise EnvironmentFailure(f"{place} answered {answer.status_code} without JSON", "is it one?") from error
    if not isinstance(document, dict) or document.get("status") != "success":
        said = document.get("error", "") if isinstance(document, dict) else ""
        raise EnvironmentFailure(f"{place} answered {answer.status_code}: {said}", f"it was asked {query}")
    try:
        found = document["data"]["result"]
        number = float(found[0]["value"][1]) if found else math.nan
    except (LookupError, TypeError, ValueError) as error:
        raise EnvironmentFailure(f"{place} answered something else than numbers", f"it was asked {query}") from error
    return Fraction(number) if math.isfinite(number) else None
