"""The page: verdict first, inert, small."""

import re
from html.parser import HTMLParser
from itertools import count

import pytest
from msgspec.structs import replace

from perfspec.engine.exemplars import Exemplar
from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond
from perfspec.metrics import histogram
from perfspec.metrics.series import Key, Slice
from perfspec.report.html.live import LivePage
from perfspec.report.html.markup import Markup, element
from perfspec.report.html.page import many_to_html, to_html
from perfspec.report.result import make
from perfspec.verdict.capacity import Capacity, Step
from perfspec.verdict.comparison import Measure, Numbers, compare

MS, SECOND = 1_000_000, 1_000_000_000
HOSTILE = "</td></script><script>alert(1)</script><img src=x onerror='alert(2)' \"&\x00\u202e"
ALLOWED = frozenset(
    """
    html head meta title style body main article header section div p a h1 h2 h3 ul li strong code pre span table
    caption thead tbody tr th td figure figcaption svg path line rect text details summary
    """.split()  # noqa: SIM905 - words on two lines
)


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture
def hostile(result, piece):
    return result(
        piece("search", 400, second=20, over={120 * MS: 60}, errors={HOSTILE: 20}, tags=(("model", HOSTILE),)),
        piece(HOSTILE, 60, second=20),
        end=End("finished", 40 * SECOND, notes=(HOSTILE,)),
    )


def test_nothing_of_an_answer_becomes_markup(hostile) -> None:
    page = Page(to_html(hostile))
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "\x00" not in page.text
    assert "\u202e" not in page.text


def test_the_page_forbids_scripts_and_asks_nobody_for_anything(hostile) -> None:
    text = to_html(hostile).decode()
    page = Page(text.encode())
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert [a for _, a in page.tags for name in ("src", "srcset", "action") if name in a] == []
    assert {a["href"][0] for tag, a in page.tags if tag == "a"} == {"#"}
    assert re.findall(r"@import|url\(", text) == []


def test_the_verdict_comes_first_and_every_limit_has_its_sentence(result, good) -> None:
    found = result(*good)
    text = Page(to_html(found)).text
    assert text.index("PASS") < text.index("Limits") < text.index("Requests")
    for verdict in found.verdicts:
        assert verdict.threshold in text
        assert f"{verdict.span.path} :{verdict.span.line}:{verdict.span.column}" in text  # in an element of its own
    assert "3 limits judged over 25s, none broken" in text


def test_links_lead_somewhere_and_no_place_has_two(result, good, hostile) -> None:
    page = Page(many_to_html([result(*good), hostile]))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} <= {*ids}
    single = Page(to_html(hostile))
    found = [attrs["id"] for _, attrs in single.tags if "id" in attrs]
    assert len(found) == len(set(found))


def test_a_chart_says_in_words_what_it_shows(result, good) -> None:
    page = Page(to_html(result(*good)))
    labels = [attrs.get("aria-label") for tag, attrs in page.tags if tag == "svg"]
    assert "Response time over time: p95 between 40.0 ms and 40.0 ms" in labels
    assert all(label and ": " in label for label in labels)


def test_a_quarter_of_an_hour_of_a_dozen_requests_is_under_300_kb(plan_of) -> None:
    names = [f"request-{n}" for n in range(12)]
    steps = ", ".join(f"{{get: /{name}, name: {name}}}" for name in names)
    plan = plan_of(
        "environments: {local: {url: http://127.0.0.1:1}}\n"
        f"flows: {{f: {{steps: [{steps}]}}}}\n"
        "stages: {smoke: {phases: [{name: up, for: 5m, users: ramp 0 to 300}, {name: steady, for: 10m, users: 300}]}}\n"
        "thresholds: {all: {errors: under 1%}, request-1: {p95: at most 200ms}}\n"
    )
    number = count()

    def piece(name: str, second: int) -> Slice:
        spread = {histogram.index(20_000 + (next(number) * 7919) % 90_000): 1 for _ in range(25)}
        return Slice(Key(name), second, 25, {"status 500": 1}, response=spread)

    examples = tuple(example(name, why, n) for name in names for why in ("failed", "slow") for n in range(3))
    seconds = tuple(
        LoggedSecond(s + 1, 300, [piece(name, s) for name in names], exemplars=examples if s == 400 else ())
        for s in range(900)
    )
    data = to_html(make(plan, Log(Beginning("r", "", "", ""), seconds, End("finished", 900 * SECOND))))
    assert 50_000 < len(data) < 300_000
    assert data.count(b"The slowest requests") == data.count(b"Requests that failed") == len(names)
    assert b"... (more in result.json)" in data


def example(name: str, why: str, number: int, text: str = HOSTILE * 400, due_s: int = 400) -> Exemplar:
    """One that is as large as one can be."""
    kind = "status 500" if why == "failed" else ""
    return Exemplar(
        Key(name), why, kind, due_s * SECOND, 1, number, 500, 9 * MS, 8 * MS, 7 * MS, f"GET /{number} {text}", text
    )


def test_small_examples_are_all_there_side_by_side(plan, piece) -> None:
    few = tuple(example("search", why, n, '{"a": "b"}', 20) for why in ("failed", "slow") for n in range(3))
    line = LoggedSecond(21, 4, [piece("search", 400, second=20)], exemplars=few)
    text = to_html(make(plan, Log(Beginning("r", "", "", ""), (line,), End("finished", 40 * SECOND)))).decode()
    assert text.count('class="pair"') == 6
    assert text.count('GET /2 {"a": "b"}') == 2
    assert "more in result.json" not in text


def test_the_page_of_a_running_run_shows_what_there_is(plan, piece) -> None:
    page = LivePage(plan)
    empty = Page(page.draw())
    assert "no requests yet" in empty.text
    page.add(LoggedSecond(21, 4, [piece("search", 400, second=20, over={120 * MS: 60})]))
    shown = Page(page.draw())
    assert {tag for tag, _ in shown.tags} <= ALLOWED
    assert [attrs["content"] for _, attrs in shown.tags if attrs.get("http-equiv") == "refresh"] == ["5"]
    assert "broken" in shown.text
    assert "15.0 % of 400, 5.0 % allowed" in shown.text


def test_attributes_and_children_that_are_none_are_left_out() -> None:
    assert element("td", "a<b", None, class_="n", aria_label=None) == '<td class="n">a&lt;b</td>'
    assert element("p", Markup("<b>x</b>"), title='"') == '<p title="&quot;"><b>x</b></p>'


def test_numbers_are_not_broken_and_no_answers_draw_no_axis(result, good, piece) -> None:
    many = piece("search", 2386, second=20, over={120 * MS: 0})
    silent = piece("more", 9, second=20, errors={"refused": 9}, answered=0)
    text = Page(to_html(result(many, silent, good[2]))).text
    assert "of 2\u00a0386" in text
    assert "0.0\u00a0% failed" in text
    assert "no answers" in text
    assert "1.00 ms" not in text


def test_phases_are_told_and_what_waiting_users_hide(result, good, plan_of) -> None:
    text = " ".join(Page(to_html(result(*good))).text.split())
    assert "up 10s ramp 0 to 4 users not judged" in text
    assert "queues stay hidden" in text
    arrivals = plan_of(
        "environments: {local: {url: http://127.0.0.1:1}}\nflows: {f: {steps: [{get: /a, name: a}]}}\n"
        "stages: {smoke: {phases: [{for: 40s, arrivals: 5/s}]}}\nthresholds: {all: {errors: under 1%}}\n"
    )
    assert "queues stay hidden" not in Page(to_html(result(of=arrivals))).text


def test_each_limit_is_told_phase_by_phase(plan_of, piece) -> None:
    plan = plan_of(
        "environments: {local: {url: http://127.0.0.1:1}}\nflows: {f: {steps: [{get: /a, name: a}]}}\n"
        "stages: {smoke: {phases: [{name: steady, for: 20s, users: 5}, {name: peak, for: 20s, users: 5}]}}\n"
        "thresholds: {a: {p95: at most 100ms}}\n"
    )
    slices = [piece("a", 100, over={100 * MS: 1}, second=8), piece("a", 50, over={100 * MS: 20}, second=30)]
    found = make(plan, Log(Beginning("r", "", "", ""), (LoggedSecond(40, 5, slices),), End("finished", 40 * SECOND)))
    text = " ".join(Page(to_html(found)).text.split())
    assert "Phase by phase" in text
    assert "a p95 at most 100ms steady held 100 1" in text
    assert "a p95 at most 100ms peak broken 50 20" in text


def test_a_search_has_its_answer_in_the_head_and_its_steps_with_what_broke(result, good) -> None:
    def step(load: int, why: str, beyond: str = "") -> Step:
        return Step(f"{load} users", "growing", 0, 2 * SECOND, 8 * SECOND, not why, why, (), beyond)

    steps = (step(5, ""), step(7, "search p95 at most 120ms", "service"), step(9, "it was late", "generator"))
    found = replace(result(*good), capacity=Capacity("5 users", "7 users", True, steps))
    page = Page(to_html(found))
    text = " ".join(page.text.split())
    assert text.index("met at 5 users, failed at 7 users, confirmed three times as long") < text.index("Limits")
    assert "5 users met" in text
    assert "7 users broken search p95 at most 120ms" in text
    assert "9 users ?? not judged it was late" in text
    assert {tag for tag, _ in page.tags} <= ALLOWED


def test_the_comparison_is_a_table_of_what_changed_and_folds_away_what_did_not(result, good) -> None:
    def numbers(run: str, ms: int) -> Numbers:
        measures = tuple(
            Measure(name, 1000, 0, {histogram.index(1000 * (at + k)): 100 for k in range(10)})
            for name, at in (("search", ms), (HOSTILE, 800))
        )
        return Numbers(run, "2026-11-09T02:00:00+00:00", run, measures)

    found = replace(result(*good), comparison=compare(numbers("now", 60), [numbers("then", 40)], "the last run"))
    page = Page(to_html(found))
    text = " ".join(page.text.split())
    assert "compared with the last run (commits then..now)" in text
    assert "SLOWER search p95 49.0 ms 69.1 ms +41 %" in text
    assert "of 6 percentiles are as before" in text
    assert {tag for tag, _ in page.tags} <= ALLOWED
