"""Bodies as they were meant: freed of `Content-Encoding`, only where something reads them, and never beyond a limit.

A few kilobytes can be packed gigabytes (a gzip bomb), so what comes out is bounded, not what goes in. gzip and deflate
are always there; br and zstd need the extra `compression`.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from perfspec.steps.runtime import Outcome

__all__ = ["MOST_DECODED_BYTES", "UNDECODABLE", "Undecodable", "decode", "decoded"]

MOST_DECODED_BYTES = 16 * 1024 * 1024
UNDECODABLE = "undecodable"
"""The error kind of an answer whose body cannot be decoded, or would be too large."""
_PIECE = 64 * 1024
_MOST_CODINGS = 4


class Undecodable(Exception):
    """What it says; the message is a reason."""


@dataclass(frozen=True, slots=True)
class _Plain:
    """The head of an answer whose body has been decoded."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    coding: bytes = b""


def decode(outcome: Outcome) -> bool:
    """Put the decoded body in place of the one that came. False, and nothing is changed, where that cannot be."""
    head = outcome.head
    assert head is not None
    try:
        body = decoded(head.coding, outcome.body)
    except Undecodable:
        return False
    outcome.dropped += len(outcome.body) - len(body)
    outcome.head, outcome.body = _Plain(head.status, head.headers), body
    return True


def decoded(coding: bytes, body: bytes) -> bytes:
    """The body without its encodings. Raises Undecodable."""
    codings = [each.strip() for each in coding.split(b",")]
    if len(codings) > _MOST_CODINGS:
        raise Undecodable(f"{len(codings)} encodings around one body")
    for each in reversed(codings):
        if body and each not in (b"", b"identity"):  # the answer to a HEAD has none
            body = _one(each, body)
    return body


def _one(coding: bytes, body: bytes) -> bytes:
    decode = _DECODERS.get(coding)
    if decode is None:
        raise Undecodable(f"unknown encoding {coding[:40].decode('latin-1')}")
    out: list[bytes] = []
    size = 0
    try:
        for piece in decode(body):
            size += len(piece)
            if size > MOST_DECODED_BYTES:
                raise Undecodable(f"more than {MOST_DECODED_BYTES >> 20} MiB when decoded")
            out.append(piece)
    except (zlib.error, EOFError) as error:
        raise Undecodable(f"not {coding.decode('latin-1')}: {error}") from error
    return b"".join(out)


def _inflate(body: bytes, window: int) -> Iterator[bytes]:
    """Every member of the stream. Raises zlib.error, or EOFError where it is cut."""
    while body:
        stream = zlib.decompressobj(window)
        while not stream.eof:
            piece = stream.decompress(body, _PIECE)
            body = stream.unconsumed_tail
            if not piece and not body and not stream.eof:
                raise EOFError("it is cut short")
            yield piece
        body = stream.unused_data


def _gzip(body: bytes) -> Iterator[bytes]:
    return _inflate(body, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes) -> Iterator[bytes]:
    """With the header of zlib, as the standard says, or without it, as some servers send it."""
    is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _inflate(body, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _brotli(body: bytes) -> Iterator[bytes]:
    try:
        import brotli  # noqa: PLC0415 - optional
    except ImportError as error:
        raise Undecodable("br needs the extra `compression`: pip install 'perfspec[compression]'") from error
    stream = brotli.Decompressor()
    try:
        piece = stream.process(body, output_buffer_limit=_PIECE)
        while piece:
            yield piece
            piece = stream.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise Undecodable(f"not br: {error}") from error
    if not stream.is_finished():
        raise Undecodable("not br: it is cut short")


def _zstd(body: bytes) -> Iterator[bytes]:
    try:
        import zstandard  # noqa: PLC0415 - optional
    except ImportError as error:
        raise Undecodable("zstd needs the extra `compression`: pip install 'perfspec[compression]'") from error
    try:
        with zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(body, read_across_frames=True) as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except zstandard.ZstdError as error:
        raise Undecodable(f"not zstd: {error}") from error


_DECODERS: dict[bytes, Callable[[bytes], Iterator[bytes]]] = {
    b"gzip": _gzip,
    b"x-gzip": _gzip,
    b"deflate": _deflate,
    b"br": _brotli,
    b"zstd": _zstd,
}
