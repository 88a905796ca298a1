"""A path that is one hole: what a service has told, as the target of a request; never one to somewhere else."""

import pytest

from perfspec.engine.addresses import NoPath, asked_for

HERE = "http://shop.example.com:8080/api/"


@pytest.mark.parametrize(
    ("told", "target"),
    [
        ("/orders/abc", b"/api/orders/abc"),
        ("/api/orders/abc", b"/api/orders/abc"),
        ("/apis", b"/api/apis"),
        ("/api", b"/api"),
        ("/", b"/api/"),
        ("/orders?id=1&next=%2Fa#top", b"/api/orders?id=1&next=%2Fa"),
        ("/crème brûlée", b"/api/cr%C3%A8me%20br%C3%BBl%C3%A9e"),
        ("/a\r\nX: y", b"/api/aX:%20y"),
        ("http://shop.example.com:8080/orders/abc?x=1", b"/orders/abc?x=1"),
        ("HTTP://Shop.Example.com:8080", b"/"),
    ],
)
def test_a_path_or_an_address_of_this_environment_is_asked_for(told, target):
    assert asked_for(HERE, joins=False)(told) == target


@pytest.mark.parametrize(
    "told",
    [
        "https://shop.example.com:8080/orders", "http://shop.example.com/orders", "http://else.example.com:8080/",
        "//shop.example.com:8080/orders", "orders/abc", "", 7, None, ["/a"], "http://[", "http://shop.example.com:x/",
        "mailto:a@example.com", "http:///orders",
    ],
)  # fmt: skip
def test_anything_else_is_no_path(told):
    with pytest.raises(NoPath):
        asked_for(HERE, joins=False)(told)


def test_the_port_of_the_scheme_need_not_be_said():
    assert asked_for("https://a.example.com", joins=False)("https://a.example.com:443/b") == b"/b"


def test_a_query_of_the_step_joins_that_of_the_address():
    target = asked_for("http://a", joins=True)
    assert (target("/b"), target("/b?c=1")) == (b"/b?", b"/b?c=1&")
