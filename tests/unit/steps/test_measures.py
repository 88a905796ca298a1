"""Numbers beside the times: `record`, the size of answers; and what `defaults` adds to steps."""

import gzip

import pytest

from perfspec.engine.sim import Reply
from perfspec.metrics import histogram
from perfspec.steps.kinds import Pause, Request

MS = 1_000_000
RECORD = "- get: /a\n  name: a\n  record: {tokens: $.usage.tokens}"


def values(row) -> list[float]:
    """What was recorded, in units."""
    return [round(histogram.highest(i) / 1000, 3) for i, n in sorted(row.response.items()) for _ in range(n)]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"usage": {"tokens": 7}}', 7),
        (b'{"usage": {"tokens": 0}}', 0),
        (b'{"usage": {"tokens": 0.25}}', 0.25),
        (b'{"usage": {"tokens": 1e6}}', 1e6),
    ],
)
def test_a_number_of_the_answer_is_recorded(play, body, value) -> None:
    played = play(RECORD, lambda *_: Reply(200, body))
    assert values(played.rows["a", "tokens"]) == pytest.approx([value], rel=0.001)
    assert played.rows["a", ""].errors == {}


def test_a_packed_answer_is_unpacked_for_it(play) -> None:
    packed = Reply(200, gzip.compress(b'{"usage": {"tokens": 7}}'), coding=b"gzip")
    assert values(play(RECORD, lambda *_: packed).rows["a", "tokens"]) == pytest.approx([7], rel=0.001)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b"<html>",
        *(b'{"usage": {"tokens": %b}}' % v for v in (b'"7"', b"-1", b"true", b"1e300", b"null", b"[7]")),
    ],
)
def test_an_answer_without_the_number_is_bad_for_its_limit_and_for_nothing_else(play, body) -> None:
    played = play(RECORD, lambda *_: Reply(200, body), limits={("a", "tokens"): (900 * MS,)})
    row = played.rows["a", "tokens"]
    assert (row.n, row.errors, row.over) == (1, {"record s.yaml:12 tokens": 1}, {900 * MS: 1})
    assert (played.rows["a", ""].errors, played.ended) == ({}, [None])


def test_a_failed_request_is_bad_for_its_numbers_too(play) -> None:
    played = play(RECORD, lambda *_: Reply(503, b'{"usage": {"tokens": 7}}'), limits={("a", "size"): ()})
    assert played.rows["a", "tokens"].errors == {"status 503": 1}
    assert played.rows["a", "size"].errors == {"status 503": 1}


def test_limits_on_numbers_are_counted_exactly(play) -> None:
    limits = {("a", "tokens"): (7 * MS, 7 * MS - 1)}
    played = play(RECORD, lambda *_: Reply(200, b'{"usage": {"tokens": 7}}'), limits=limits)
    assert played.rows["a", "tokens"].over == {7 * MS: 0, 7 * MS - 1: 1}


def test_the_size_is_measured_where_a_limit_is_about_it(play) -> None:
    played = play("- get: /a\n  name: a", lambda *_: Reply(200, b"x" * 1500), limits={("a", "size"): (1500_000,)})
    assert played.rows["a", "size"].over == {1500_000: 0}
    assert values(played.rows["a", "size"]) == [1.5]
    assert ("a", "size") not in play("- get: /a\n  name: a").rows


def test_a_wait_records_its_last_answer(play) -> None:
    steps = "- get: /a\n  name: a\n  until: {$.state: done}\n  every: 1s\n  record: {tries: $.tries}"
    answer = lambda _, ms: Reply(200, b'{"state": "no", "tries": 1}' if ms < 900 else b'{"state": "done", "tries": 2}')  # noqa: E731
    assert values(play(steps, answer).rows["a", "tries"]) == [2]


def kind(step) -> str:
    if isinstance(step, Pause):
        return f"pause {step.range.low_ns // MS}"
    return step.name if isinstance(step, Request) else type(step).__name__


def kinds(steps) -> list[str]:
    return [kind(step) for step in steps]


PACED = "data: {word: {choice: [a, b]}}\ndefaults: {pause: 1s}"


def test_the_pause_of_defaults_stands_between_steps_where_none_is_written(steps_of) -> None:
    a, b, c, d = (f"- {{get: /{name}, name: {name}}}" for name in "abcd")
    steps = f"{a}\n{b}\n- pause: 2s\n{c}\n- set: {{x: 1}}\n{d}"
    assert kinds(steps_of(steps, PACED)) == ["a", "pause 1000", "b", "pause 2000", "c", "Set", "pause 1000", "d"]


def test_loops_pause_after_each_pass_and_parallel_steps_stay_at_once(steps_of) -> None:
    steps = steps_of(
        "- repeat: 3 times\n  steps:\n    - {get: /a, name: a}\n    - {get: /b, name: b}\n"
        "- parallel: page\n  steps:\n    - {get: /c, name: c}\n    - {get: /d, name: d}\n"
        "- when: ${user.number > 1}\n  steps:\n    - {get: /e, name: e}\n    - {get: /f, name: f}",
        PACED,
    )
    assert kinds(steps) == ["Repeat", "Parallel", "pause 1000", "When"]
    assert [kinds(steps[n].steps) for n in (0, 1, 3)] == [
        ["a", "pause 1000", "b", "pause 1000"],
        ["c", "d"],
        ["e", "pause 1000", "f"],
    ]


def test_every_pause_is_drawn_by_itself_and_setup_has_none(spec_of, spec_text) -> None:
    setup = "setup: [{get: /x}, {get: /y}]\ndefaults: {pause: 1s to 3s}"
    spec = spec_of(spec_text("- get: /a\n- get: /b\n- get: /c", setup))
    assert len(spec.setup) == 2
    places = [s.at for s in spec.flows["buy"].steps if isinstance(s, Pause)]
    assert len(places) == len(set(places)) == 2


def test_tags_of_defaults_stand_at_every_request_and_a_steps_own_win(play) -> None:
    more = "data: {}\ndefaults: {tags: {team: search, kind: read}}"
    played = play("- {get: /a, name: a}\n- {get: /b, name: b, tags: {kind: '${user.number}'}}", more=more)
    assert played.tags == {"a": {(("kind", "read"), ("team", "search"))}, "b": {(("kind", "7"), ("team", "search"))}}


TRACED = "data: {}\ndefaults: {traceparent: send}"


def traces(played) -> list[str]:
    return [
        line.partition(": ")[2]
        for _, wire in played.sent
        for line in wire.splitlines()
        if line.startswith("traceparent")
    ]


def test_each_request_begins_a_trace_of_its_own(play) -> None:
    steps = "- repeat: 2 times\n  steps: [{get: /a}, {get: /b}]"
    sent = traces(play(steps, more=TRACED))
    assert [len(part) for part in sent[0].split("-")] == [2, 32, 16, 2]
    assert len({one.split("-")[1] for one in sent}) == 4
    assert sent == traces(play(steps, more=TRACED))
    assert set(sent).isdisjoint(traces(play(steps, more=TRACED, seed=2)))
    assert traces(play(steps)) == []


def test_a_trace_that_a_step_writes_itself_stands(play) -> None:
    assert traces(play("- get: /a\n  headers: {Traceparent: 00-x}", more=TRACED)) == []


FIRST = {("a", "first_byte"): (100 * MS - 1, 100 * MS)}


def test_the_first_byte_of_every_answer_is_measured_where_a_limit_is_about_it(play) -> None:
    played = play("- get: /a\n  name: a\n- get: /a\n  name: a", limits=FIRST)
    row = played.rows["a", "first_byte"]
    assert (row.n, row.errors, row.over) == (2, {}, {100 * MS - 1: 2, 100 * MS: 0})
    assert ("a", "first_byte") not in play("- get: /a\n  name: a").rows


def test_the_first_byte_of_a_request_that_failed_is_over_every_limit(play) -> None:
    for reply, kind in ((Reply(503), "status 503"), (Reply(200, b"{}"), "check s.yaml:12 $.x present")):
        played = play("- get: /a\n  name: a\n  expect: {$.x: present}", lambda *_, r=reply: r, limits=FIRST)
        assert (played.rows["a", "first_byte"].errors, played.rows["a", "first_byte"].over[100 * MS]) == ({kind: 1}, 1)
    refused = play("- get: /a\n  name: a", refused=((0, 1000 * MS),), limits=FIRST)
    assert refused.rows["a", "first_byte"].errors == {"refused": 1}


def test_first_bytes_stand_under_the_tags_that_were_drawn(play) -> None:
    more = "data: {kind: {choice: [x]}}\ndefaults: {}"
    played = play("- get: /a\n  name: a\n  tags: {kind: '${kind}'}", more=more, limits=FIRST)
    assert played.rows["a", "first_byte"].n == 1
    assert played.tags["a"] == {(("kind", "x"),)}


def test_every_poll_of_a_wait_has_a_first_byte_and_the_wait_has_none(play) -> None:
    steps = "- get: /a\n  name: a\n  until: {$.state: done}\n  every: 1s"
    answer = lambda _, ms: Reply(200, b'{"state": "no"}' if ms < 900 else b'{"state": "done"}')  # noqa: E731
    row = play(steps, answer, limits=FIRST).rows["a", "first_byte"]
    assert (row.n, row.over) == (2, {100 * MS - 1: 2, 100 * MS: 0})
    failed = play(steps, lambda *_: Reply(503), limits=FIRST).rows["a", "first_byte"]
    assert failed.errors == {"status 503": failed.n}


def test_a_stream_has_a_size_and_a_first_byte(play) -> None:
    body = b"data: a\n\n" * 1000
    reply = Reply(200, b"", ((b"content-type", b"text/event-stream"),), parts=((50 * MS, body),))
    limits = {**FIRST, ("a", "size"): (len(body) * 1000,)}
    played = play("- get: /a\n  name: a\n  stream: {silence: 2s}", lambda *_: reply, limits=limits)
    assert played.rows["a", ""].errors == {}
    assert values(played.rows["a", "size"]) == pytest.approx([9.0], rel=0.001)
    assert played.rows["a", "first_byte"].over == {100 * MS - 1: 1, 100 * MS: 0}
