"""Server-sent events: however the bytes are split, the events are the same; and which of them bring something."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.steps import events as module
from perfspec.steps.events import Event, Events, EventTooLarge, has_content


def events(*parts: bytes) -> list[Event]:
    reader = Events()
    return [event for part in parts for event in reader.feed(part)]


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data: a\n\n", [(b"", b"a")]),
        (b"data:a\n\n", [(b"", b"a")]),
        (b"data:  a \n\n", [(b"", b" a ")]),
        (b"data: a\r\n\r\ndata: b\r\r", [(b"", b"a"), (b"", b"b")]),
        (b"data: a\ndata\ndata: b\n\n", [(b"", b"a\n\nb")]),
        (b"data\n\n", [(b"", b"")]),
        (b"\xef\xbb\xbfdata: a\n\n", [(b"", b"a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [(b"", b"a")]),
        (b": hello\n\ndata: a\n: more\n\n", [(b"", b"a")]),
        (b"event: token\nid: 7\nretry: 10\ndata: a\n\ndata: b\n\n", [(b"token", b"a"), (b"", b"b")]),
        (b"event: token\n\ndata: a\n\n", [(b"", b"a")]),
        (b"\n\n\ndata: a\n\n\n\n", [(b"", b"a")]),
        (b"data: a", []),
        (b"data: a\n", []),
        (b'{"error": "none of this"}', []),
        (b"data: x:y\nDATA: no\n\n", [(b"", b"x:y")]),
        (b"", []),
    ],
)
def test_what_a_stream_says(stream, found) -> None:
    assert events(stream) == found


lines = st.one_of(
    st.sampled_from(
        [b"", b"", b"data", b"data:", b"data: a", b"data: [DONE]", b"event: x", b": comment", b"id: 1", b"?"]
    ),
    st.binary(max_size=6).map(lambda raw: b"data: " + raw.replace(b"\r", b"").replace(b"\n", b"")),
)
streams = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r", b"\r\n"])).map(b"".join), max_size=12).map(b"".join),
).map(b"".join)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(streams)
def test_every_split_gives_the_same_events(stream) -> None:
    whole = events(stream)
    for at in range(len(stream) + 1):
        assert events(stream[:at], stream[at:]) == whole
    assert events(*(stream[at : at + 1] for at in range(len(stream)))) == whole


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.text(), st.text(st.characters(exclude_characters="\r\n"))), max_size=5))
def test_what_was_sent_is_what_is_read(sent) -> None:
    sent = [(data.replace("\r\n", "\n").replace("\r", "\n"), name) for data, name in sent]
    stream = "".join(
        f"event: {name}\n" + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n" for data, name in sent
    )
    assert [(e.data.decode(), e.name.decode()) for e in events(stream.encode())] == sent


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.binary(max_size=20)))
def test_no_bytes_break_it(parts) -> None:
    assert events(*parts) == events(b"".join(parts))


@pytest.mark.parametrize("piece", [b"x" * 40, b"data: xxxxxx\n", b"data\n" * 5])
def test_an_event_is_bounded_in_one_line_and_in_many(monkeypatch, piece) -> None:
    monkeypatch.setattr(module, "MAX_EVENT_BYTES", 100)
    reader = Events()

    def send() -> None:
        for _ in range(20):
            reader.feed(piece)

    with pytest.raises(EventTooLarge):
        send()


def test_comments_and_small_events_may_go_on_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENT_BYTES", 100)
    reader = Events()
    assert sum(len(reader.feed(b": still there, still there\ndata: a\n\n: ping\n")) for _ in range(100)) == 100


@pytest.mark.parametrize(
    ("data", "brings"),
    [
        ('{"choices":[{"delta":{"role":"assistant"}}]}', False),
        ('{"choices":[{"delta":{"role":"assistant","content":""}}]}', False),
        ('{"choices":[{"delta":{"content":"Hel"}}]}', True),
        ('{"choices":[{"delta":{"content":" "}}]}', True),
        ('{"choices":[{"delta":{"reasoning_content":"Hm"}}]}', True),
        (
            '{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"c1","type":"function","function":{"name":"f"}}]}}]}',
            True,
        ),
        ('{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":""}}]}}]}', False),
        ('{"choices":[{"delta":{},"finish_reason":"stop"}]}', False),
        ('{"choices":[{"text":"Hel","index":0,"finish_reason":null}]}', True),
        ('{"choices":[{"text":"","finish_reason":"length"}]}', False),
        ('{"choices":[],"usage":{"completion_tokens":7}}', False),
        ('{"type":"message_start","message":{"id":"m"}}', False),
        ('{"type":"ping"}', False),
        ('{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hel"}}', True),
        ('{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}', False),
        ('{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}', False),
        ('{"type":"response.created","response":{}}', False),
        ('{"type":"response.output_text.delta","delta":"Hel"}', True),
        ('{"price":12.5}', True),
        ('{"type":"price","value":1}', True),
        ("{}", False),
        ("[]", False),
        ("[1]", True),
        ('""', False),
        ("null", False),
        ("0", True),
        ("Hello", True),
        ("{not json", True),
        ("", False),
        ("  ", False),
    ],
)
def test_an_event_counts_when_it_brings_a_part_of_the_answer(data, brings) -> None:
    assert has_content(Event(b"", data.encode())) is brings


def test_an_event_that_is_named_as_a_sign_of_life_brings_nothing() -> None:
    assert not has_content(Event(b"ping", b"{}"))
    assert not has_content(Event(b"ping", b"1"))
    assert has_content(Event(b"price", b"1"))


answers = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["delta", "content", "role"]), inner),
    max_leaves=6,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(["choices", "delta", "type", "content"]), answers))
def test_no_event_breaks_the_question(value) -> None:
    assert has_content(Event(b"", orjson.dumps(value))) in (True, False)
