"""Streams, played against a simulated service whose head takes 100 ms: what is timed, and how they fail."""

import pytest

from perfspec.engine.sim import Reply
from perfspec.metrics import histogram

MS = 1_000_000
SSE = ((b"content-type", b"text/event-stream; charset=utf-8"),)
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = "stream: {ends_with: '[DONE]', silence: 2s}"
CHAT = f"- post: /a\n  name: chat\n  {STREAM}\n  expect: {{status: 200, events: at least 2}}"


def token(text: str) -> bytes:
    return f'data: {{"choices":[{{"delta":{{"content":"{text}"}}}}]}}\n\n'.encode()


def after(*parts: tuple[int, bytes], open_ms: int = 0, status: int = 200) -> Reply:
    """Milliseconds after what came before, and the bytes."""
    return Reply(status, b"", SSE, parts=tuple((ms * MS, data) for ms, data in parts), open_ns=open_ms * MS)


def times(row) -> list[int]:
    """Milliseconds, each as often as it was seen."""
    return sorted(round(histogram.highest(i) / 1000) for i, n in row.response.items() for _ in range(n))


def test_the_first_token_and_the_gaps_are_timed_not_the_chunk_that_opens(play) -> None:
    reply = after((50, ROLE), (200, token("a")), (30, token("b")), (70, token("c")), (5, DONE))
    played = play(CHAT, lambda *_: reply)
    assert played.ended == [None]
    rows = played.rows
    assert (rows["chat", ""].n, rows["chat", ""].errors, times(rows["chat", ""])) == (1, {}, [455])
    assert times(rows["chat", "first_event"]) == [350]
    assert times(rows["chat", "event_gap"]) == [30, 70]
    assert times(rows["chat", "events"]) == [3]
    accepts = [line for line in played.sent[0][1].splitlines() if line.lower().startswith("accept")]
    assert accepts == ["Accept: text/event-stream", "Accept-Encoding: identity"]


def test_events_that_are_split_and_events_in_one_piece_are_timed_by_when_they_were_whole(play) -> None:
    a, b = token("a"), token("b")
    reply = after((10, a[:20]), (40, a[20:] + b + token("c")), (10, DONE))
    played = play(CHAT, lambda *_: reply)
    assert times(played.rows["chat", "first_event"]) == [150]
    assert times(played.rows["chat", "event_gap"]) == [0, 0]
    assert times(played.rows["chat", "events"]) == [3]


@pytest.mark.parametrize(
    ("reply", "kind", "gaps"),
    [
        (after((10, token("a")), (10, token("b"))), "cut off", [10]),
        (after((10, DONE)), "check s.yaml:13 events at least 2", []),
        (after((10, token("a")), (5, DONE)), "check s.yaml:13 events at least 2", []),
        (after((10, token("a")), (2500, token("b")), (5, DONE)), "silence", []),
        (after((2500, token("a")), (5, DONE)), "silence", []),
        (after((10, ROLE), (10, b": ping\n\n"), (2500, DONE)), "silence", []),
        (after((10, token("a")), (10, token("b")), (5, DONE), status=429), "status 429", []),
        (Reply(429, b'{"error": "slow down"}', ((b"content-type", b"application/json"),)), "status 429", []),
        (Reply(200, b'{"text": "whole"}', ((b"content-type", b"application/json"),)), "no stream", []),
        (Reply(200, token("a") * 3 + DONE), "no stream", []),
        (after((10, b"data: " + b"x" * 1_100_000), (10, DONE)), "event too large", []),
    ],
)
def test_a_stream_that_failed_is_one_bad_first_event_and_one_bad_gap(play, reply, kind, gaps) -> None:
    limits = {("chat", "first_event"): (1000 * MS,), ("chat", "event_gap"): (1000 * MS,)}
    played = play(CHAT, lambda *_: reply, limits=limits)
    assert played.rows["chat", ""].errors == {kind: 1}
    first, gap = played.rows["chat", "first_event"], played.rows["chat", "event_gap"]
    assert (first.n, first.errors, first.over, first.response) == (1, {kind: 1}, {1000 * MS: 1}, {})
    assert (gap.n, gap.errors, gap.over) == (len(gaps) + 1, {kind: 1}, {1000 * MS: 1})
    assert times(gap) == gaps
    assert played.rows["chat", "events"].errors == {kind: 1}


def test_a_stream_whose_end_came_is_whole_though_its_connection_stays_open(play) -> None:
    reply = after((10, token("a")), (10, token("b")), (10, DONE), open_ms=30_000)
    played = play(f"{CHAT}\n- get: /b", lambda target, _: reply if target == "/a" else Reply())
    assert played.ended == [None]
    assert times(played.rows["chat", ""]) == [130]
    assert played.times[1] == pytest.approx(1130, abs=1)


def test_what_comes_behind_the_end_counts_no_more(play) -> None:
    reply = after((10, token("a")), (10, token("b")), (10, DONE), (500, token("c")))
    played = play(CHAT, lambda *_: reply)
    assert times(played.rows["chat", "events"]) == [2]
    assert times(played.rows["chat", ""]) == [130]


def test_a_silence_lasts_as_long_as_it_says_and_ends_the_round(play) -> None:
    played = play(f"{CHAT}\n- get: /b", lambda *_: after((10, token("a")), (60_000, DONE)))
    assert (played.ended, played.targets) == (["silence"], ["/a"])
    assert played.ended_ms == pytest.approx(2110, abs=1)


def test_nothing_at_all_is_a_silence_and_a_refusal_stays_one(play) -> None:
    steps = CHAT.replace("silence: 2s", "silence: 50ms")
    assert play(steps).ended == ["silence"]
    played = play(steps, refused=((0, 10_000 * MS),))
    assert played.ended == ["refused"]
    assert played.rows["chat", "first_event"].errors == {"refused": 1}


def test_without_an_end_said_the_body_ends_the_stream(play) -> None:
    steps = "- get: /a\n  name: chat\n  stream: {}\n  capture: {id: header X-Id}"
    parts = ((10 * MS, b"data: a\n\n"), (3000 * MS, b"data: b\n\n"))
    reply = Reply(200, b"", (*SSE, (b"x-id", b"7")), parts=parts)
    played = play(steps, lambda *_: reply)
    assert (played.ended, played.names["id"]) == ([None], "7")
    assert times(played.rows["chat", "event_gap"]) == [3000]


def test_a_stream_without_events_has_no_first_event(play) -> None:
    played = play("- get: /a\n  name: chat\n  stream: {}", lambda *_: after((10, b": nothing\n\n")))
    assert played.rows["chat", ""].errors == {}
    assert played.rows["chat", "first_event"].errors == {"no event": 1}
    assert times(played.rows["chat", "events"]) == [0]


def test_a_time_out_ends_a_stream(play) -> None:
    played = play(f"{CHAT}\n  timeout: 1s", lambda *_: after(*[(100, token("a"))] * 30))
    assert played.ended == ["timeout"]
    assert played.rows["chat", "event_gap"].errors == {"timeout": 1}


def test_tags_of_a_stream_stand_at_all_its_numbers(play) -> None:
    steps = f"{CHAT}\n  tags: {{user: 'u${{user.number}}'}}"
    played = play(steps, lambda *_: after((10, token("a")), (10, token("b")), (1, DONE)))
    assert played.tags == {"chat": {(("user", "u7"),)}}
    assert len(played.rows) == 4


ERRORS = (
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    b'data: {"type":"error","error":{"message":"Overloaded"}}\n\n',
    b'data: {"error":{"message":"Overloaded","code":503}}\n\n',
    b"event: error\ndata: it broke\n\n",
)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_that_is_told_in_the_stream_is_no_part_of_the_answer(play, error) -> None:
    """An overloaded service says so at once: that is no fast first token."""
    steps = "- post: /a\n  name: chat\n  stream: {silence: 2s}"
    rows = play(steps, lambda *_: after((10, error))).rows
    assert rows["chat", "first_event"].errors == {"no event": 1}
    rows = play(steps, lambda *_: after((10, error), (20, token("a")))).rows
    assert times(rows["chat", "first_event"]) == [130]


def test_a_stream_that_is_packed_against_our_asking_cannot_be_read(play) -> None:
    reply = after((10, b"\x1f\x8b\x08"), (10, DONE))
    packed = Reply(200, b"", SSE, coding=b"gzip", parts=reply.parts)
    rows = play("- post: /a\n  name: chat\n  stream: {silence: 2s}", lambda *_: packed).rows
    assert {timer for _, timer in rows} == {"", "first_event", "event_gap", "events"}
    assert all(row.errors == {"undecodable": 1} for row in rows.values())
