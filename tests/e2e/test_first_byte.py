"""A limit on the first byte is judged by every answer, however small: over our own sockets and over httpx."""

from typing import Any

import pytest

BODY = """flows:
  look: {steps: [{get: "/v1/suggest?q=we&language=en", name: small}, {pause: 20ms}]}
  find: {steps: [{get: "/v1/query?q=tea&size=50", name: large}, {pause: 20ms}]}
stages: {smoke: {phases: [{for: 3s, users: 4}]}}
thresholds:
  small: {first_byte p95: at most 2s}
  large: {first_byte max: under 10s}
"""
WITHOUT = BODY.partition("thresholds:")[0] + "thresholds: {all: {errors: under 1%}}\n"


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, healthy, service, small_spec, together) -> Any:
    def run(name: str, *options: str) -> Any:
        return perfspec(small_spec(new_folder(name), healthy.url, BODY), *options)

    def drips() -> Any:
        with service("--slow-bodies", "query=300ms") as search:
            return perfspec(small_spec(new_folder("drips"), search.url, WITHOUT))

    return together(
        fast=lambda: run("fast"), httpx=lambda: run("httpx", "--transport", "httpx"), drips=drips,
    )  # fmt: skip


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_limit_on_the_first_byte_is_judged_by_every_answer(runs, transport: str) -> None:
    ended = runs[transport]
    for name in ("small", "large"):
        whole, first = ended.summary(name), ended.summary(name, "first_byte")
        assert first["n"] == whole["n"] > 20
        assert 0 < first["response"]["p50"] <= whole["response"]["p50"]
        assert whole["where"] == first["where"]
    kept = ended.verdict("small first_byte p95 at most 2s")
    assert (kept["outcome"], kept["n"]) == ("PASS", ended.summary("small", "first_byte")["n"]), kept
    assert ended.verdict("large first_byte max under 10s")["outcome"] == "PASS"
    assert ended.code == 0, ended.out + ended.err
    assert "small (first byte)" in ended.out


def test_without_a_limit_the_first_byte_of_what_comes_slowly_is_told_all_the_same(runs) -> None:
    """Beside the time of the whole answer, under a name of its own: it is no sample of all answers."""
    ended = runs["drips"]
    whole, first = ended.summary("large"), ended.summary("large", "first_byte of several reads")
    assert 0 < first["n"] <= whole["n"]
    assert first["response"]["p95"] < 300_000_000 <= whole["response"]["p50"]
    assert "first_byte" not in {piece["key"][1] for piece in ended.slices()}
    assert "first byte of several reads" in (ended.folder / "report.html").read_text()
