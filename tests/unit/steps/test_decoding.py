"""Bodies freed of their encodings, whole or not at all, and never more than the limit."""

import gzip
import resource
import sys
import zlib
from functools import partial

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from perfspec.steps import decoding
from perfspec.steps.decoding import MOST_DECODED_BYTES, Undecodable, decode, decoded
from perfspec.steps.runtime import Outcome

TEXT = b'{"items": [1, 2, 3]}' * 5000
RAW = zlib.compressobj(wbits=-15)
WAYS = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "deflate ": RAW.compress(TEXT) + RAW.flush(),  # without the header of zlib
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
    "identity": TEXT,
    "deflate, gzip": gzip.compress(zlib.compress(TEXT)),
    "identity,, gzip": gzip.compress(TEXT),
}
CAN_BE_CUT = [way for way in WAYS if "identity" not in way and way != "zstd"]


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_without_a_body_has_nothing_to_unpack(way: str) -> None:
    """That to a HEAD says what the body of a GET is packed with."""
    assert decoded(way.encode(), b"") == b""


@pytest.mark.parametrize("way", WAYS)
def test_what_went_in_comes_out(way: str) -> None:
    assert decoded(way.encode(), WAYS[way]) == TEXT


@pytest.mark.parametrize("way", ["gzip", "deflate", "zstd"])
def test_several_members_are_one_body(way: str) -> None:
    assert decoded(way.encode(), WAYS[way] * 2) == TEXT * 2


@pytest.mark.parametrize("way", CAN_BE_CUT)
def test_a_body_that_is_cut_is_none(way: str) -> None:
    for cut in (1, len(WAYS[way]) // 2, len(WAYS[way]) - 1):
        with pytest.raises(Undecodable):
            decoded(way.encode(), WAYS[way][:cut])


@pytest.mark.parametrize("way", ["gzip", "deflate", "br", "zstd", "compress", "gzip, " * 5 + "gzip"])
def test_what_is_not_encoded_so_is_told(way: str) -> None:
    with pytest.raises(Undecodable):
        decoded(way.encode(), b"hello, this is plain text")


@pytest.mark.parametrize("way", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(way: str) -> None:
    """Far more than may be kept, in a few kilobytes: neither made nor kept."""
    squeeze = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": partial(brotli.compress, quality=1),
        "zstd": zstandard.compress,
    }[way]
    bomb = squeeze(bytes(64_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Undecodable, match="more than 16 MiB"):
        decoded(way.encode(), bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3 * MOST_DECODED_BYTES >> 10


def test_nested_bombs_are_stopped_too() -> None:
    with pytest.raises(Undecodable):
        decoded(b"gzip, gzip", gzip.compress(gzip.compress(bytes(50_000_000))))


@pytest.mark.parametrize(("way", "package"), [("br", "brotli"), ("zstd", "zstandard")])
def test_without_the_extra_the_reason_names_it(way: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Undecodable, match=r"perfspec\[compression\]"):
        decoded(way.encode(), WAYS[way])


def outcome(coding: bytes, body: bytes) -> Outcome:
    made = Outcome()
    made.head, made.body = decoding._Plain(200, ((b"content-encoding", coding),), coding), body
    return made


def test_an_outcome_is_decoded_once_and_still_tells_what_came_over_the_wire() -> None:
    made = outcome(b"gzip", WAYS["gzip"])
    assert decode(made)
    assert (made.body, made.head.coding, made.head.status) == (TEXT, b"", 200)
    assert len(made.body) + made.dropped == len(WAYS["gzip"])


def test_an_outcome_that_cannot_be_decoded_stays_as_it_is() -> None:
    made = outcome(b"gzip", b"plain")
    assert not decode(made)
    assert (made.body, made.dropped, made.head.coding) == (b"plain", 0, b"gzip")


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.binary(max_size=300))
def test_whatever_the_bytes_only_undecodable_comes_out(way: str, body: bytes) -> None:
    try:
        out = decoded(way.encode(), body)
    except Undecodable:
        return
    assert len(out) <= MOST_DECODED_BYTES
