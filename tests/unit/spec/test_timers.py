"""Cells about what a request measures beside its own time: which there are, and what is said of those there are not."""

import pytest

SPEC = """service: shop
environments: {{local: {{url: "http://shop.test"}}}}
flows:
  buy:
    weight: 1
    steps:
      - get: /a
        name: plain
        record: {{tokens: $.usage.tokens}}
      - get: /b
        name: chat
        stream: {{silence: 5s}}
      - get: /c
        name: job
        until: {{$.state: done}}
thresholds:
  {row}: {{{cell}}}
"""


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        ("plain", "tokens p95: at most 900"),
        ("plain", "tokens mean: between 1 and 900"),
        ("plain", "size p95: at most 100kB"),
        ("plain", "size max: under 1MiB"),
        ("plain", "connect p95: under 20ms"),
        ("plain", "first_byte p50: under 20ms"),
        ("chat", "first_event p95: at most 300ms"),
        ("chat", "event_gap p99: under 1s"),
        ("chat", "events mean: at least 2"),
        ("chat", "p95: under 10s"),
        ("job", "wait p95: under 10s"),
        ("job", "poll p95: under 10s"),
        ("job", "size p95: under 10kB"),
        ("all", "connect p95: under 20ms"),
        ("all", "tokens p95: at most 900"),
        ("flow buy", "first_event p95: at most 300ms"),
    ],
)
def test_what_is_measured_can_be_limited(told, row, cell) -> None:
    assert told(SPEC.format(row=row, cell=cell)) == []


@pytest.mark.parametrize(
    ("row", "cell", "said"),
    [
        ("plain", "tokns p95: at most 9", "PS605 `plain` has no metric `tokns` | did you mean `tokens p95`?"),
        ("plain", "price p95: at most 9", "PS605 `plain` has no metric `price` | add `record: {price: $.path}`"),
        ("chat", "tokens p95: at most 9", "PS605 `chat` has no metric `tokens` | add `record: {tokens: $.path}`"),
        (
            "plain",
            "first_event p95: under 1s",
            (
                "PS605 `plain` has no `stream`, so it has no `first_event` | add `stream: {silence: 10s}` to the "
                "request, or write `p95`"
            ),
        ),
        ("chat", "wait p95: under 1s", "PS605 `chat` has no `until`, so it has no `wait` time | write `p95`"),
        ("all", "price p95: at most 9", "PS605 no request has a metric `price` | add `record: {price: $.path}`"),
        ("plain", "tokens p95: under 1s", "PS606 `tokens p95` is a number, and `1s` is not | write `at least 100`"),
        ("plain", "size p95: at most 100", "PS606 `size p95` is a size, and `100` is not | write `at most 100kB`"),
        ("plain", "conect p95: under 1s", "PS605 nothing is measured as `conect` | did you mean `connect p95`?"),
    ],
)  # fmt: skip
def test_what_is_not_measured_is_said_with_what_is(told, row, cell, said) -> None:
    (line,) = told(SPEC.format(row=row, cell=cell))
    assert line.partition(" ")[2] == said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("tokens p95(plain) < 900", ""),
        ("size mean(all) < 2 * size mean(plain) + 1kB", ""),
        ("events max(chat) < 9 and wait p95(job) < 1s", ""),
        ("tokens p95(chat) < 9", "PS605 `chat` has no metric `tokens` | add `record: {tokens: $.path}`"),
        ("tokens count(plain) < 9", "PS605 a threshold has no cell `tokens count`"),
    ],
)
def test_a_rule_compares_what_is_measured_in_its_unit(told, rule, said) -> None:
    found = told(SPEC.format(row="plain", cell="p95: under 1s") + f"  rules: ['{rule}']\n")
    assert [line.partition(" ")[2].startswith(said) for line in found] == ([True] if said else [])
