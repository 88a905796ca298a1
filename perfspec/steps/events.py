"""Server-sent events, read as they come: bytes in, events out, however the bytes are split. No I/O, no clock.

A line ends in LF, CR or CR LF; a line of `data` adds to the event, an empty line ends it. A byte order mark at the very
beginning and comments are passed over. What the stream breaks off in the middle of is no event. A line and an event are
bounded, so is the memory.
"""

from typing import NamedTuple

import orjson

__all__ = ["MAX_EVENT_BYTES", "Event", "EventTooLarge", "Events", "has_content"]

MAX_EVENT_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_ANNOUNCING = frozenset(
    {"ping", "message_start", "message_stop", "message_delta", "content_block_start", "content_block_stop"}
)
"""Types of events that frame an answer without a part of it."""
_ERROR = b"error"
_FRAMES = frozenset({"role", "type", "index", "id", "finish_reason", "stop_reason", "stop_sequence", "logprobs"})
"""Members of a delta that say something about the answer and are no part of it."""


class EventTooLarge(Exception):
    """More than any event should have. What follows cannot be read any longer."""


class Event(NamedTuple):
    name: bytes
    """Of the `event` field; empty without one."""
    data: bytes


class Events:
    """One stream."""

    __slots__ = ("_data", "_is_begun", "_name", "_pieces", "_size", "_skips_lf")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """Of a line that has not ended."""
        self._data: list[bytes] = []
        self._name = b""
        self._size = 0
        """Bytes of the event so far, its unfinished line included."""
        self._skips_lf = False
        """The last byte was a CR: an LF right behind it belongs to it."""
        self._is_begun = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Raises EventTooLarge."""
        if self._skips_lf and data:
            self._skips_lf = False
            data = data.removeprefix(b"\n") if data[:1] == b"\n" else data
        if not data:
            return []
        if b"\r" in data:
            self._skips_lf = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *rest = data.split(b"\n")
        self._grow(len(first))
        self._pieces.append(first)
        if not rest:
            return []
        found: list[Event] = []
        self._line(b"".join(self._pieces), found)
        for line in rest[:-1]:
            self._grow(len(line))
            self._line(line, found)
        self._pieces = [rest[-1]]
        self._grow(len(rest[-1]))
        return found

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event of more than {MAX_EVENT_BYTES} bytes")

    def _line(self, line: bytes, found: list[Event]) -> None:
        if not self._is_begun:
            self._is_begun = True
            line = line.removeprefix(_BOM)
        if line:
            self._field(line)
            return
        if self._data:
            found.append(Event(self._name, b"\n".join(self._data)))
            self._data = []
        self._name = b""
        self._size = 0

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value
        else:  # a comment, `id`, `retry`, or a field that nobody knows
            self._size -= len(line)


def has_content(event: Event) -> bool:
    """Does it bring a part of the answer: a text, a thought, a call of a tool, whatever its kind?

    Of chunks as OpenAI's and Anthropic's services send them, those that only open, close or account for an answer
    do not, nor do those that report an error. Any other event does unless its data is empty.
    """
    data = event.data.strip()
    if not data or event.name == _ERROR or event.name.decode(errors="replace") in _ANNOUNCING:
        return False
    if data[:1] != b"{":
        return data not in (b"null", b'""', b"[]")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return True
    return _brings(value)


def _brings(value: dict[str, object]) -> bool:
    if isinstance(choices := value.get("choices"), list):
        return any(_said(choice) for choice in choices)
    if "delta" in value:
        return _said(value["delta"])
    kind = value.get("type")
    if kind == "error" or (value.get("error") and len(value) == 1):
        return False
    if isinstance(kind, str) and (kind in _ANNOUNCING or kind.startswith("response.")):
        return False
    return bool(value)


def _said(value: object) -> bool:
    """Anything in it that is not empty, beside what only frames it."""
    if isinstance(value, dict):
        return any(_said(inner) for name, inner in value.items() if name not in _FRAMES)
    if isinstance(value, list):
        return any(_said(inner) for inner in value)
    return isinstance(value, str) and value != ""
