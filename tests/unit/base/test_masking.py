"""No secret is left in a text, however it was written."""

import re
from base64 import b64encode, urlsafe_b64encode
from json import dumps
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base.masking import masked

SECRET = 'p@ss "wörd"/+='
WRITTEN = {
    "plain": SECRET,
    "in an address": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "in an address, with its slashes": quote(SECRET),
    "in an address, in small letters": re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
    "in JSON": dumps(SECRET)[1:-1],
    "in JSON with its letters": dumps(SECRET, ensure_ascii=False)[1:-1],
    "in JSON with slashes escaped": dumps(SECRET, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "in JSON in JSON": dumps(dumps(SECRET))[3:-3],
    "in JSON in JSON with its letters": dumps(dumps(SECRET, ensure_ascii=False), ensure_ascii=False)[3:-3],
    "in base64": b64encode(SECRET.encode()).decode(),
    "in base64 without its padding": b64encode(SECRET.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_masked_in_every_way_it_is_written(way) -> None:
    assert masked(f"a {WRITTEN[way]} b {WRITTEN[way]}", [SECRET]) == "a *** b ***"


def test_the_longest_secret_is_masked_first() -> None:
    assert masked("hunter2-long hunter2", ["hunter2", "hunter2-long"]) == "*** ***"


def test_without_secrets_nothing_is_masked() -> None:
    assert masked("a b", []) == masked("a b", [""]) == "a b"


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.text(min_size=6), st.text(), st.text(), st.sampled_from([str, lambda s: quote(s, safe=""), dumps]))
def test_no_text_around_a_secret_keeps_it_readable(secret, before, after, write) -> None:
    if set(secret) <= set("*"):
        return
    assert secret not in masked(before + write(secret) + after, [secret])


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "user:x"])
@pytest.mark.parametrize("after", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_secret_inside_a_longer_text_in_base64_is_gone(before, after, encode) -> None:
    text = encode(f"{before}hunter2>?hunter2{after}".encode()).decode()
    shown = masked(text, ["hunter2>?hunter2"])
    assert "***" in shown
    assert len(shown.replace("***", "").rstrip("=")) <= len(before) * 8 / 6 + len(after) * 8 / 6 + 4
