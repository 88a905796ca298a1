"""Long runs: added up window by window, and judged like second by second; a document that does not grow with time."""

import random

import msgspec
import pytest

from perfspec.base.codec import decode
from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond
from perfspec.metrics import histogram
from perfspec.metrics.series import Key, Slice
from perfspec.metrics.vitals import Vitals
from perfspec.report.html.page import to_html
from perfspec.report.rejudge import rejudge
from perfspec.report.result import Result, make, to_json
from perfspec.verdict.judge import Circumstances, judge

MS, SECOND = 1_000_000, 1_000_000_000
SPEC = """
perfspec: 1
service: shop
environments: {{local: {{url: "http://shop.test"}}}}
flows: {{f: {{steps: [{{get: /a, name: a}}, {{get: /b, name: b}}]}}}}
stages:
  smoke:
    warmup: 7s
    phases: [{{for: 33s, users: 4}}, {{for: 20s, users: ramp 4 to 9, measure: false}}, {{for: {seconds}s, users: 9}}]
thresholds:
  a: {{p95: at most 120ms, errors: under 2%, mean: under 1s, max: under 3s, count: at least 5}}
  all: {{p99: at most 300ms, availability: at least 99%, throughput: at least 1/s}}
"""


@pytest.fixture
def long_run(plan_of):
    """A plan, and a log whose latency drifts and whose answers come a second late now and then."""

    def run(seconds: int = 67):
        plan = plan_of(SPEC.format(seconds=seconds))
        draw = random.Random(5)
        lines = []
        for number in range(1, seconds + 54):
            slices = []
            for name in ("a", "b"):
                late = draw.random() < 0.2 and number > 1
                h: dict[int, int] = {}
                for _ in range(20):
                    i = histogram.index(int(draw.lognormvariate(10 + (number > 80), 0.6)) // 4000 * 4000)
                    h[i] = h.get(i, 0) + 1
                over = {limit: sum(n for i, n in h.items() if histogram.lowest(i) * 1000 > limit)
                        for limit in plan.request_limits()[name, ""]}  # fmt: skip
                errors = {"reset": 1} if draw.random() < 0.1 else {}
                over = {limit: n + len(errors) for limit, n in over.items()}
                n = 20 + len(errors)
                slices.append(Slice(Key(name, flow="f"), number - 1 - late, n, errors, len(errors), over, h, dict(h)))
            lateness = {draw.randrange(900): 1 for _ in range(50)}
            lines.append(LoggedSecond(number, 4 if number < 34 else 9, slices, lateness, 10**8, Vitals({40: 90})))
        end = End("finished", (seconds + 53) * SECOND)
        return plan, Log(Beginning("r", "2026-11-25T00:00:00+00:00", plan.hash, "0"), tuple(lines), end)

    return run


def test_sums_by_window_are_judged_like_seconds(long_run) -> None:
    plan, log = long_run()
    result = make(plan, log)
    stretches = [(w.start_ns, w.end_ns) for w in result.windows]
    slices = [piece for line in log.seconds for piece in line.slices]
    assert result.verdicts == judge(plan.thresholds, slices, stretches, Circumstances())
    assert {v.outcome for v in result.verdicts} == {"PASS", "FAIL"}
    assert all(v.windows == 10 for v in result.verdicts if v.cell in ("p95", "p99"))


def test_the_document_alone_is_judged_and_drawn_like_the_run(long_run) -> None:
    plan, log = long_run()
    result = make(plan, log)
    stored = decode(to_json(result), Result)
    assert stored == result
    again = rejudge(stored, plan)
    assert msgspec.structs.replace(again, judged_by=result.judged_by) == result
    page = to_html(stored)
    assert page == to_html(result)
    assert page.count(b"<polyline") + page.count(b"<path") > 5


def test_a_document_does_not_grow_with_time(long_run) -> None:
    """Three times as long: the counts become larger, and that is all."""
    short, long = (len(to_json(make(*long_run(seconds)))) for seconds in (600, 1800))
    assert long < 1.5 * short


def test_seconds_may_be_read_one_by_one(long_run) -> None:
    plan, log = long_run()
    outline = [LoggedSecond(line.second, 0, [], extended=line.extended) for line in log.seconds]
    streamed = make(plan, msgspec.structs.replace(log, seconds=tuple(outline)), seconds=iter(log.seconds))
    assert streamed == make(plan, log)
