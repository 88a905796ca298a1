"""Values to JSON and back, exactly."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base.codec import Malformed, decode, encode, pack, pretty, unpack


class Sample(msgspec.Struct, frozen=True):
    share: Fraction
    counts: dict[int, int] = {}
    pairs: tuple[tuple[str, str], ...] = ()
    big: int = 0


samples = st.builds(
    Sample,
    st.fractions(),
    st.dictionaries(st.integers(0, 1 << 60), st.integers(0, 1 << 60), max_size=3),
    st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple),
    st.integers(-(1 << 63), (1 << 63) - 1),
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(samples)
def test_a_value_is_the_same_after_writing_and_reading(sample) -> None:
    assert decode(encode(sample), Sample) == sample
    assert decode(pretty(sample), Sample) == sample
    assert unpack(pack(sample), Sample) == sample


def test_fractions_are_written_as_exact_text() -> None:
    assert encode(Sample(Fraction(1, 20))) == b'{"share":"1/20","counts":{},"pairs":[],"big":0}'
    assert encode(Fraction(3)) == b'"3"'
    assert pretty(Fraction(3)).endswith(b"\n")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"{}", b'{"share":5}', b'{"share":"1/0"}', b'{"share":"a"}', b"[]", b'{"share":"1","big":"x"}']
)
def test_what_is_not_the_wanted_value_is_malformed(text) -> None:
    with pytest.raises(Malformed):
        decode(text, Sample)


def test_what_has_no_form_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        encode(object())
    with pytest.raises(Malformed, match="complex has no form in JSON"):
        decode(b'"1"', complex)
