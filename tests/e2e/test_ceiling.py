"""`limits: {requests: 5/s}` holds for all that a spec sends: in setup and teardown, and when it is tried out."""

from collections import Counter
from typing import Any

import pytest

BODY = """
setup:
  - repeat: 12 times
    steps: [{get: /v1/suggest?q=we, name: before}]
flows:
  look:
    steps:
      - repeat: 12 times
        steps: [{get: /v1/suggest?q=pe, name: suggest}]
stages:
  smoke: {phases: [{users: 1, rounds: 1}]}
thresholds:
  suggest: {errors: under 5%}
"""


@pytest.fixture(scope="module")
def runs(new_folder, small_spec, perfspec, healthy, together) -> Any:
    def folder(name: str) -> Any:
        made = small_spec(new_folder(name), healthy.url, BODY)
        path = made / "specs" / "search.yaml"
        path.write_text(
            path.read_text().replace(f"url: {healthy.url}", f"url: {healthy.url}, limits: {{requests: 5/s}}")
        )
        return made

    return together(
        run=lambda: perfspec(folder("limited")),
        tried=lambda: perfspec.command(folder("tried"), "try", "specs/search.yaml"),
    )


@pytest.mark.parametrize("part", ["setup", "load"])
def test_no_part_of_a_run_goes_beyond_what_is_allowed(runs, part) -> None:
    """Twelve are sent in three seconds at least. Who has to wait was due in the second before."""
    ended = runs["run"]
    assert ended.code == 0, ended.out + ended.err
    due = Counter(s["second"] for s in ended.slices(part) if s["key"][1] == "" for _ in range(s["n"]))
    assert due.total() == 12
    assert max(due.values()) <= 6
    assert max(due) >= 2


def test_trying_a_spec_out_does_not_either(runs) -> None:
    tried = runs["tried"]
    assert tried.code == 0, tried.out + tried.err
    assert tried.out.count("--- suggest") == 12
    assert tried.seconds > 4  # two seconds for setup, and two for the flow
