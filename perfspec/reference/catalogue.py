"""Which reference services there are, where they listen, and what each takes from environment variables.

gateway      GATEWAY_API_KEY, REDIS_URL
assessment   ASSESSMENT_TEST_PASSWORD, DATABASE_URL
search       SEARCH_API_KEY
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette

from perfspec.reference import assessment, gateway, search
from perfspec.reference.application import Settings
from perfspec.reference.database import IN_MEMORY

__all__ = ["CATALOGUE", "Offer"]

Variables = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Offer:
    """A service that can be served. `key` is what its callers must know, where the caller of `build` says one."""

    port: int
    endpoints: tuple[str, ...]
    build: Callable[[Settings, Variables, str | None], Starlette]


def _gateway(settings: Settings, variables: Variables, key: str | None) -> Starlette:
    api_key = key or variables.get("GATEWAY_API_KEY") or gateway.DEFAULT_API_KEY
    return gateway.gateway_app(settings, api_key=api_key, redis_url=variables.get("REDIS_URL"))


def _assessment(settings: Settings, variables: Variables, key: str | None) -> Starlette:
    password = key or variables.get("ASSESSMENT_TEST_PASSWORD") or assessment.DEFAULT_PASSWORD
    database_url = variables.get("DATABASE_URL") or IN_MEMORY
    return assessment.assessment_app(settings, password=password, database_url=database_url)


def _search(settings: Settings, variables: Variables, key: str | None) -> Starlette:
    api_key = key or variables.get("SEARCH_API_KEY") or search.DEFAULT_API_KEY
    return search.search_app(settings, api_key=api_key)


CATALOGUE = {
    "gateway": Offer(8081, tuple(gateway.LATENCIES), _gateway),
    "assessment": Offer(8082, tuple(assessment.LATENCIES), _assessment),
    "search": Offer(8083, tuple(search.LATENCIES), _search),
}
