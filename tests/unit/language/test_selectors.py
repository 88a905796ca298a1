"""Selectors of CSS: what they take of a page, what is said of wrong ones, and which pages are not read."""

import pytest

from perfspec.language.selectors import MOST_ATTRIBUTES, SelectorError, compile_selector

PAGE = """<!doctype html>
<html><head><title>Tea &amp; more</title><meta name="csrf-token" content="t-&quot;1"></head>
<body><form><input type=hidden name=csrf value="abc"><input name=empty value=""><INPUT CHECKED></form>
<ul class="items"><li><a HREF="/p/1">One</a><li><a href="/p/2">
   Two <b>bold</b></a><!-- not this --><li><a>Three</a></ul><p class=none></p>
<script>var x = "<li>no</li>";</script><p lang=de>\u00fcber</p></body></html>"""


def found(said: str, page: str | bytes = PAGE) -> list[str]:
    return list(compile_selector(said).found(page.encode() if isinstance(page, str) else page))


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("title", ["Tea & more"]),
        ("meta[name=csrf-token] @content", ['t-"1']),
        ('input[name="csrf"] @value', ["abc"]),
        ("input[name=empty] @value", [""]),
        ("input @checked", ["checked"]),
        ("ul.items a", ["One", "Two bold", "Three"]),
        ("ul.items a @href", ["/p/1", "/p/2"]),
        ("UL.items  >  li:nth-child(2) a  @HREF", ["/p/2"]),
        ("li:has(b)", ["Two bold"]),
        ("title, b", ["Tea & more", "bold"]),
        (".none", [""]),
        (".nowhere", []),
        ("p:lang(de)", ["\u00fcber"]),
        ("script", ['var x = "<li>no</li>";']),
    ],
)
def test_a_selector_takes_texts_or_attributes_in_the_order_of_the_page(said, texts) -> None:
    assert found(said) == texts


@pytest.mark.parametrize(
    "page", [b"", b" \n", b"plain", b'{"a": 1}', b"\xff\xfe\x00", b"<", b"<p", b"<!--", b"\x00<p>"]
)
def test_what_is_no_page_has_nothing_in_it(page) -> None:
    assert found("a @href", page) == []


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert found("b", b"<b>caf\xe9</b>") == ["caf\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize(
    ("said", "message", "fix"),
    [
        ("a@href", "an attribute stands behind a blank and `@`", "write `css a @href`"),
        ("a::attr(href)", "an attribute stands behind a blank and `@`", "write `css a @href`"),
        ("a[", "this cannot be read as a selector of CSS", "check its brackets and quotes; write for example"),
        ("a,,b", "this cannot be read as a selector of CSS", "check its brackets and quotes; write for example"),
        ("@href", "this cannot be read as a selector of CSS", "check its brackets and quotes; write for example"),
        ("li:foo", "no selector here says this: the pseudo-class :foo is unknown", "write for example"),
        ("svg|a", "no selector here says this: undefined namespace prefix", "write for example"),
    ],
)
def test_what_is_no_selector_is_told_with_what_to_write(said, message, fix) -> None:
    with pytest.raises(SelectorError) as caught:
        compile_selector(said)
    assert (str(caught.value), caught.value.fix.startswith(fix)) == (message, True)


def test_a_longer_page_is_looked_at_as_far_as_a_million_bytes() -> None:
    assert found("b", b"<b>1</b>" + b" " * (1 << 20) + b"<b>2</b>") == ["1"]


NUMBERED = "".join(f" a{n}" for n in range(MOST_ATTRIBUTES))
VALUES = "".join(f" a{n}='>'" for n in range(MOST_ATTRIBUTES))
GLUED = "".join(f'a{n}=">\'"' for n in range(MOST_ATTRIBUTES))


@pytest.mark.parametrize("attributes", [NUMBERED, VALUES, f" {GLUED}", NUMBERED.replace(" ", "/"), NUMBERED + VALUES])
@pytest.mark.parametrize("before", ["", '<!-- <a b=" -->', "<script>a<b c='</script>", '<p a<b c="<">', "<a<!"])
def test_in_a_page_with_more_attributes_in_one_tag_nothing_is_found(attributes, before) -> None:
    page = f"<b>1</b>{before}<p{attributes}%s>text</p><b>2</b>"
    assert found("b", page % " more=1") == []
    assert attributes != NUMBERED or found("b", page % "") != []


@pytest.mark.parametrize(
    "piece", ["<a/b=", "<a 1=<b/2=", "<b x='<a y=z<a y=z<a y=z<a y=z<a y=z<a y=z<a y=z<a y=z<a y=z'"]
)
def test_a_page_of_tags_within_tags_is_not_read_either(piece) -> None:
    assert found("b", "<b>1</b>" + piece * 10_000) == []


@pytest.mark.parametrize(
    "inside",
    [
        f"<img alt=a src='data:{'A' * 100_000}'>",
        f"<path d='{'M 1 2 = ' * 10_000}'>",
        "<iframe srcdoc='" + '<p class="x">y</p> ' * 10_000 + "'></iframe>",
        "<script>" + '{"a": "<b c=1>", "d": 1}, ' * 10_000 + "</script>",
        "<p a=1 b=2 c=3 d=4 e=5>" * 10_000,
        "a < b, c = d " * 10_000,
    ],
)
def test_long_values_and_many_tags_are_ordinary(inside) -> None:
    assert found("i", f"<i>1</i>{inside}")[:1] == ["1"]
