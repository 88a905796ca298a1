"""What all services have: metrics, a log, a description, and the faults that a body or a connection can have."""

import orjson
import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference import gateway
from perfspec.reference.faults import parse_faults
from perfspec.reference.metering import BUCKETS
from perfspec.reference.search import LATENCIES


def faults(**options):
    return parse_faults(tuple(LATENCIES), **options)


def test_requests_are_counted_by_endpoint_and_code_and_timed_in_buckets(visit) -> None:
    call = visit(documents=10)
    for _ in range(3):
        call.get("/v1/suggest", q="we")
    call.get("/v1/suggest")
    call("GET", "/v1/query?q=a", headers={})
    call.get("/v1/nothing")
    call.get("/health")
    shown = call.get("/metrics").text.splitlines()
    counted = {line for line in shown if line.startswith("http_requests_total")}
    assert counted == {
        'http_requests_total{code="200",endpoint="suggest",method="GET",service="search"} 3.0',
        'http_requests_total{code="400",endpoint="suggest",method="GET",service="search"} 1.0',
        'http_requests_total{code="401",endpoint="query",method="GET",service="search"} 1.0',
        'http_requests_total{code="404",endpoint="other",method="GET",service="search"} 1.0',
    }
    assert 'http_request_duration_seconds_count{endpoint="suggest",service="search"} 4.0' in shown
    assert 'http_request_duration_seconds_bucket{endpoint="suggest",le="0.12",service="search"} 4.0' in shown


def test_every_limit_of_the_shipped_specs_is_a_bucket() -> None:
    assert {0.12, 0.15, 0.2, 0.3, 0.4, 0.5, 2.0} <= set(BUCKETS)


def test_a_bug_is_counted_as_500(visit, monkeypatch) -> None:
    monkeypatch.setattr("perfspec.reference.index.DocumentIndex.find", lambda *_: 1 / 0)
    call = visit(documents=0)
    call.sees_bugs = False
    call.get("/v1/query", q="tea")
    assert 'code="500",endpoint="query"' in call.get("/metrics").text


def test_a_log_line_says_what_was_asked_and_what_came_of_it(visit) -> None:
    lines: list[str] = []
    call = visit(documents=0, log=lines.append)
    call.get("/v1/suggest", q="we")
    (line,) = map(orjson.loads, lines)
    assert line.pop("duration_ms") > 5
    assert line.pop("time").startswith("2026-01-01T00:00:00.0")
    assert line == {"service": "search", "endpoint": "suggest", "method": "GET", "path": "/v1/suggest", "code": "200"}


# --- faults ------------------------------------------------------------------------------------------------------


def test_added_latency_may_vary(visit) -> None:
    call = visit(documents=0, faults=faults(slow=["suggest=1s to 2s"]))
    taken = [call.timed_ns("/v1/suggest", q="we") for _ in range(100)]
    assert min(taken) > SECOND
    assert max(taken) < 2200 * MILLISECOND
    assert sum(value < 1525 * MILLISECOND for value in taken) in range(30, 70)


def test_a_slow_body_is_the_same_body_later(visit) -> None:
    plain, slow = visit(documents=50), visit(documents=50, faults=faults(slow_bodies=["query=2s"]))
    assert slow.get("/v1/query", q="coffee").json() == plain.get("/v1/query", q="coffee").json()
    assert slow.timed_ns("/v1/query", q="coffee") == plain.timed_ns("/v1/query", q="coffee") + 2 * SECOND


def test_wrong_bodies_have_the_right_status(visit) -> None:
    call = visit(documents=50, faults=faults(wrong_bodies=["query=100%"]))
    right = visit(documents=50).get("/v1/query", q="coffee").content
    answers = [call.get("/v1/query", q="coffee") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.content for answer in answers] == [
        right[: len(right) // 2],
        b"{}",
        b"<html><body>Bad luck</body></html>",
    ]


def test_a_broken_connection_is_counted_as_reset(visit) -> None:
    call = visit(documents=0, faults=faults(resets=["suggest=100%"]))
    with pytest.raises(ConnectionResetError):
        call.get("/v1/suggest", q="we")
    assert 'code="reset",endpoint="suggest"' in call.get("/metrics").text


def test_a_stream_can_be_slow_and_cut_off_too(visit_gateway) -> None:
    endpoints = tuple(gateway.LATENCIES)
    asked = {"model": "gpt-4", "prompt": "why", "stream": True}
    plain = visit_gateway()
    slow = visit_gateway(faults=parse_faults(endpoints, slow_bodies=["generate=3s"]))
    wrong = visit_gateway(faults=parse_faults(endpoints, wrong_bodies=["generate=100%"]))
    starts = plain.clock.instant_ns, slow.clock.instant_ns
    whole = plain("POST", "/v1/generate", json=asked).text
    assert slow("POST", "/v1/generate", json=asked).text.count("\n\n") == whole.count("\n\n")
    taken = plain.clock.instant_ns - starts[0], slow.clock.instant_ns - starts[1]
    assert taken[1] - taken[0] == 3 * SECOND
    assert "[DONE]" not in wrong("POST", "/v1/generate", json=asked).text


# --- the description ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["visit", "visit_gateway", "visit_assessment"])
def test_the_description_names_every_address_and_needs_no_key(request, service) -> None:
    call = request.getfixturevalue(service)()
    answer = call("GET", "/openapi.json", headers={})
    described = {(path, method.upper()) for path, row in answer.json()["paths"].items() for method in row}
    routes = {
        (route.path, method)
        for route in call._app.routes
        for method in route.methods - {"HEAD"}
        if route.path.startswith("/v1")
    }
    assert described == routes
