"""Which reference services there are, where they listen, and what each takes from environment variables.

gateway      GATEWAY_API_KEY, REDIS_URL
assessment   ASSESSMENT_TEST_PASSWORD, DATABASE_URL
search       SEARCH_API_KEY, SEARCH_URL
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from starlette.applications import Starlette

from perfspec.reference.application import Settings

__all__ = ["PORTS", "Offer", "load"]

PORTS = {"gateway": 8081, "assessment": 8082, "search": 8083}


@dataclass(frozen=True, slots=True)
class Offer:
    """A service that can be built."""

    endpoints: tuple[str, ...]
    build: Callable[[Settings, Mapping[str, str], str | None], Starlette]
    """From what all services can be told, environment variables, and what callers must know, if that was said."""


def load(service: str) -> Offer:
    """Each brings libraries of its own, so only those are loaded that are asked for."""
    module = import_module(f"perfspec.reference.{service}")
    return Offer(tuple(module.LATENCIES), module.from_environment)
