"""The rows of a data file, kept as the bytes they came as: a row is taken apart when it is drawn.

A million rows cost the size of the file and 8 bytes each. Every row is looked at once when the file is read, so that a
broken one is found before the load and not in it.
"""

import codecs
import csv
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import overload

import msgspec
import orjson

__all__ = ["Packed", "Table", "of_csv", "of_jsonl"]

_BOM = b"\xef\xbb\xbf"
_MOST_COLUMNS = 1_000


class Packed(msgspec.Struct, frozen=True):
    """A table on its way to another process."""

    data: bytes
    starts: bytes
    columns: tuple[str, ...]
    kind: str

    def table(self) -> "Table":
        starts = array("Q")
        starts.frombytes(self.starts)
        return Table(self.data, starts, self.columns, _PARSERS[self.kind])


class Table(Sequence[Mapping[str, object]]):
    __slots__ = ("_data", "_parse", "_starts", "columns", "sha256")

    def __init__(
        self, data: bytes, starts: "array[int]", columns: tuple[str, ...],
        parse: Callable[[bytes, tuple[str, ...]], Mapping[str, object]],
    ) -> None:  # fmt: skip
        """`starts`: where each row begins, and the end of the last."""
        self._data = data
        self._starts = starts
        self._parse = parse
        self.columns = columns
        self.sha256 = sha256(data).hexdigest()

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, place: int) -> Mapping[str, object]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Mapping[str, object]]: ...
    def __getitem__(self, place: int | slice) -> Mapping[str, object] | Sequence[Mapping[str, object]]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._parse(self._data[self._starts[place] : self._starts[place + 1]], self.columns)

    def packed(self) -> Packed:
        kind = next(kind for kind, parse in _PARSERS.items() if parse is self._parse)
        return Packed(self._data, self._starts.tobytes(), self.columns, kind)


def of_csv(data: bytes) -> Table:
    """The first line names the columns. Raises ValueError, in words, for a file that cannot serve as data."""
    _check_text(data)
    first = len(_BOM) if data.startswith(_BOM) else 0
    while data[first : first + 1] in (b"\r", b"\n"):
        first += 1
    plain = b'"' not in data and data.count(b"\r") == data.count(b"\r\n")
    columns, starts = (_plain if plain else _quoted)(data, first)
    if not columns:
        raise ValueError("there is no row below the line that names the columns")
    _check_columns(columns)
    if not starts:
        raise ValueError("there is no row below the line that names the columns")
    starts.append(len(data))
    return Table(data, starts, columns, _plain_row if plain else _quoted_row)


def _check_columns(columns: tuple[str, ...]) -> None:
    """Raises ValueError for names that nobody meant."""
    for mark, name in ((";", "`;`"), ("\t", "tabs")):
        if len(columns) == 1 and mark in columns[0]:
            raise ValueError(f"its columns are parted by {name}; save it with commas between them")
    for column in columns:
        if column != column.strip():
            raise ValueError(f"there is a blank around the column `{column.strip()}`; write no blanks beside commas")
    twice = [name for name, n in Counter(columns).items() if n > 1]
    if twice:
        raise ValueError(f"the column `{twice[0]}` is there twice")


def of_jsonl(data: bytes) -> Table:
    """A JSON map on every line. Raises ValueError, in words, for a file that cannot serve as data."""
    _check_text(data)
    starts, columns = array("Q"), dict[str, None]()
    for number, (at, line) in enumerate(_lines(data, len(_BOM) if data.startswith(_BOM) else 0), 1):
        if line.isspace():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"line {number}: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is no map: write `{{...}}` on every line")  # noqa: TRY004 - the file is wrong
        if len(columns) < _MOST_COLUMNS:
            columns.update(dict.fromkeys(row))
        starts.append(at)
    if not starts:
        raise ValueError("there is no row in it")
    starts.append(len(data))
    return Table(data, starts, tuple(columns), _json_row)


def _check_text(data: bytes) -> None:
    """In pieces: the whole as text could take four times its size. Raises UnicodeDecodeError."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    for at in range(0, len(data), 1 << 20):
        decoder.decode(bytes(view[at : at + (1 << 20)]))
    decoder.decode(b"", final=True)


def _lines(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        yield at, data[at:end]
        at = end


def _plain(data: bytes, first: int) -> tuple[tuple[str, ...], "array[int]"]:
    """Without quotes, a row is a line and a comma always divides."""
    find, count, size = data.find, data.count, len(data)
    end = find(b"\n", first) + 1 or size
    head = data[first:end].rstrip(b"\r\n").decode()
    columns, commas = tuple(head.split(",")) if head else (), head.count(",")
    starts = array("Q")
    add, at = starts.append, end
    while at < size:
        end = find(b"\n", at) + 1 or size
        if end - at <= 2 and not data[at:end].strip(b"\r\n"):
            at = end
            continue
        if count(b",", at, end) != commas:
            raise ValueError(f"row {len(starts) + 2} has another number of columns than the first line")
        add(at)
        at = end
    return columns, starts


def _quoted(data: bytes, first: int) -> tuple[tuple[str, ...], "array[int]"]:
    """With quotes a row may hold line breaks: the reader says where it ends."""
    begun = [first]

    def texts() -> Iterator[str]:
        for at, line in _lines(data, first):
            begun[0] = at + len(line)
            yield line.decode()

    reader = csv.reader(texts(), strict=True)
    starts = array("Q")
    columns: tuple[str, ...] = ()
    at = first
    try:
        for row in reader:
            if row and not columns:
                columns = tuple(row)
            elif row:
                if len(row) != len(columns):
                    raise ValueError(f"row {len(starts) + 2} has another number of columns than the first line")
                starts.append(at)
            at = begun[0]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    return columns, starts


def _plain_row(line: bytes, columns: tuple[str, ...]) -> Mapping[str, object]:
    return dict(zip(columns, line.rstrip(b"\r\n").decode().split(","), strict=True))


def _quoted_row(line: bytes, columns: tuple[str, ...]) -> Mapping[str, object]:
    return dict(zip(columns, next(csv.reader([line.rstrip(b"\r\n").decode()], strict=True)), strict=True))


def _json_row(line: bytes, _columns: tuple[str, ...]) -> Mapping[str, object]:
    row: Mapping[str, object] = orjson.loads(line)
    return row


_PARSERS = {"plain": _plain_row, "quoted": _quoted_row, "json": _json_row}
