"""Whatever is counted under a name is found in the spec."""

import pytest

from perfspec.metrics.series import Key
from perfspec.report.html.page import to_html
from perfspec.report.places import places
from perfspec.report.remarks import remarks

SPEC = """
service: shop
environments: {local: {url: "http://127.0.0.1:8083"}}
setup: [{get: /login, name: login}]
each_user: {first: [{get: /hello, name: hello}], last: [{get: /bye, name: hello}]}
flows:
  browse:
    steps:
      - {get: /a, name: look}
      - group: page
        steps: [{get: /b, name: look}]
      - {get: /job, name: job, until: {$.state: done}}
  other:
    steps: [{get: /c, name: look}]
teardown: [{get: /logout, name: login}]
stages: {smoke: {phases: [{for: 30s, users: 4}]}}
thresholds: {look: {errors: under 1%}}
"""


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        (Key("login", part="setup"), (4,)),
        (Key("login", part="teardown"), (15,)),
        (Key("hello", part="each_user"), (5,)),
        (Key("look", flow="browse"), (9, 11)),
        (Key("look", tags=(("a", "b"),), flow="browse"), (9, 11)),
        (Key("look", "connect", flow="other"), (14,)),
        (Key("page", "group", flow="browse"), (10,)),
        (Key("job", "wait", flow="browse"), (12,)),
        (Key("browse", "round", flow="browse"), (7,)),
        (Key("arrivals", "arrival"), ()),
    ],
)
def test_a_series_is_found_where_its_steps_stand(plan_of, key, lines) -> None:
    found = places(plan_of(SPEC))(key)
    assert [int(each.rpartition(":")[2]) for each in found] == list(lines)


def test_a_kind_is_told_with_the_line_of_its_step_unless_it_has_one_of_its_own(result, piece) -> None:
    errors = {"refused": 2, "check s.yaml:10 $.hits not empty": 4}
    found = result(piece("search", 100, second=20, flow="browse", errors=errors, answered=98))
    (where,) = found.summaries[0].where
    told = [each for each in remarks(found) if each.startswith("search: ")]
    assert told == ["search: 4 x check s.yaml:10 $.hits not empty", f"search: 2 x refused ({where})"]
    assert f"Failed, by kind ({where})" in to_html(found).decode()
