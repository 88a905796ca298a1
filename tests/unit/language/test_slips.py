"""One slip of the finger, and what was meant."""

import pytest

from perfspec.language.slips import is_slip, respelt_start, slipped


@pytest.mark.parametrize("word", ["et", "gt", "ge", "gget", "geet", "gert", "egt", "gte", "het", "gat", "ger"])
def test_one_slip(word):
    assert is_slip(word, "get")
    assert is_slip("get", word)


@pytest.mark.parametrize("word", ["get", "", "g", "teg", "gettt", "post", "tge"])
def test_none_or_more_than_one(word):
    assert not is_slip(word, "get")


def test_words_that_may_be_meant():
    assert slipped("et", ["get", "put", "set"]) == ["get", "set"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("at mist 3s", "at most 3s"), ("undr 1%", "under 1%"), ("at most 3s", None), ("at mist", None), ("a b c", None)],
)
def test_the_start_of_a_phrase(text, meant):
    assert respelt_start(text, ["under", "at most"]) == meant
