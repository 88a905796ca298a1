"""`limits: {requests: 5/s}` holds for all that a spec sends: in setup and teardown, and when it is tried out."""

from typing import Any

import pytest

BODY = """
setup:
  - repeat: 12 times
    steps: [{get: /v1/suggest?q=setup, name: before}]
teardown:
  - repeat: 12 times
    steps: [{get: /v1/suggest?q=teardown, name: after}]
flows:
  look:
    steps:
      - repeat: 12 times
        steps: [{get: /v1/suggest?q=load, name: suggest}]
stages:
  smoke: {phases: [{users: 1, rounds: 1}]}
thresholds:
  suggest: {errors: under 5%}
"""


@pytest.fixture(scope="module")
def runs(new_folder, small_spec, perfspec, service, together) -> Any:
    """How each ended, and when the service got what it got."""

    def limited(name: str, act: Any) -> Any:
        with service() as search:
            made = small_spec(new_folder(name), search.url, BODY)
            path = made / "specs" / "search.yaml"
            path.write_text(
                path.read_text().replace(f"url: {search.url}", f"url: {search.url}, limits: {{requests: 5/s}}")
            )
            return act(made), search.ask("GET", "/times")

    return together(
        run=lambda: limited("run", perfspec),
        tried=lambda: limited("tried", lambda folder: perfspec.command(folder, "try", "specs/search.yaml")),
    )


@pytest.mark.parametrize("name", ["run", "tried"])
@pytest.mark.parametrize("part", ["setup", "load", "teardown"])
def test_no_part_goes_beyond_what_is_allowed(runs, name, part) -> None:
    """By the service's own clock: five at once, five a second later, and the last two after one more."""
    ended, times = runs[name]
    assert ended.code == 0, ended.out + ended.err
    came = times[f"GET /v1/suggest?q={part} "]
    assert len(came) == 12
    assert came[5] - came[0] > 0.7
    assert came[10] - came[0] > 1.7


def test_trying_out_shows_all_of_them(runs) -> None:
    assert runs["tried"][0].out.count("--- suggest") == 12
