"""The OpenAPI description of a service, made from its table of endpoints and the types in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from perfspec import __version__
from perfspec.reference.latency import Latency
from perfspec.reference.service import JSON, Handler

__all__ = ["EVENTS", "Endpoint", "Refusal", "describe"]

EVENTS = "text/event-stream"
_REF = "#/components/schemas/{name}"
_IN_PATH = re.compile(r"\{(\w+)\}")
_EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
"""Each event of a stream."""
_REASONS = {
    200: "Done",
    201: "Made",
    202: "Accepted; it is worked on",
    400: "The request is wrong",
    401: "The caller is not known",
    403: "The caller may not do this",
    404: "There is no such thing",
    409: "Not in this state",
    413: "The body is too large",
    429: "Too many requests",
    503: "A dependency is down",
}


class Refusal(msgspec.Struct):
    """Every error says why."""

    error: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of a service's table. `name` is what latency, faults and metrics go by."""

    name: str
    method: str
    path: str
    work: Handler
    latency: Latency
    summary: str
    answers: Mapping[int, Any]
    """Status -> type of the body; refusals are added where only their status is named (None)."""
    query: Any = None
    body: Any = None
    streams: bool = False
    """Whether the endpoint can answer with server-sent events, too."""
    open: bool = False
    """Whether it answers callers that nobody knows."""


def describe(service: str, about: str, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    types = [Refusal, *_types(endpoints)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(map(_key, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"The reference service {service}", "version": __version__, "description": about},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _types(endpoints: Sequence[Endpoint]) -> list[Any]:
    found: dict[str, Any] = {}
    for endpoint in endpoints:
        for type_ in (endpoint.body, *endpoint.answers.values()):
            if type_ is not None:
                found.setdefault(_key(type_), type_)
    return list(found.values())


def _key(type_: Any) -> str:
    return repr(type_)


def _operation(endpoint: Endpoint, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": {
            str(status): _response(
                status, schema_of[_key(type_ or Refusal)], streams=endpoint.streams and status == 200
            )
            for status, type_ in _all_answers(endpoint).items()
        },
    }
    if endpoint.body is not None:
        content = {JSON: {"schema": schema_of[_key(endpoint.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.open:
        operation["security"] = []
    return operation


def _all_answers(endpoint: Endpoint) -> dict[int, Any]:
    refusals = {400: endpoint.body or endpoint.query, 401: not endpoint.open, 413: endpoint.body}
    return dict(
        sorted(({status: None for status, needed in refusals.items() if needed} | dict(endpoint.answers)).items())
    )


def _response(status: int, schema: Any, *, streams: bool) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": schema}}
    if streams:
        content[EVENTS] = {"schema": _EVENT}
    return {"description": _REASONS[status], "content": content}


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _IN_PATH.findall(endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    return [
        {
            "name": parameter.encode_name,
            "in": "query",
            "required": parameter.required,
            "schema": msgspec.json.schema(parameter.type),
        }
        for parameter in msgspec.structs.fields(endpoint.query)
    ]
