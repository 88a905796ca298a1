"""One user's cookies: where they go, when they end, and how many there can be."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfspec.base.clock import SECOND, utc_now
from perfspec.engine.cookies import MOST_BYTES, MOST_COOKIES, Jar, dressed
from perfspec.steps.runtime import Origin

PLAIN = Origin("shop.test", 80, "192.0.2.1")
NOW = 3600 * SECOND


def jar(*said: str, target: str = "/", origin: Origin = PLAIN) -> Jar:
    made = Jar()
    made.keep([(b"set-cookie", each.encode("latin-1")) for each in said], origin, target.encode(), NOW)
    return made


def sent(made: Jar, target: str = "/", origin: Origin = PLAIN, now: int = NOW) -> str:
    return made.header(origin, target.encode(), now).decode("latin-1")


@pytest.mark.parametrize(
    ("said", "comes_back"),
    [
        ("a=1", "a=1"),
        ("a=1; b=2", "a=1"),
        (" a = x y ;Path=/", "a=x y"),
        ('a="1"', 'a="1"'),
        ("a=", "a="),
        ("a=b=c", "a=b=c"),
        ("a", ""),
        ("=1", ""),
        ("", ""),
        ("a=1; Domain=shop.test", "a=1"),
        ("a=1; Domain=.SHOP.test", "a=1"),
        ("a=1; Domain=test", "a=1"),
        ("a=1; Domain=other.test", ""),
        ("a=1; Domain=op.test", ""),
        ("a=1; Secure", ""),
        ("a=1; Max-Age=0", ""),
        ("a=1; Max-Age=-5", ""),
        ("a=1; Max-Age=60", "a=1"),
        ("a=1; Max-Age=soon", "a=1"),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "a=1"),
        ("a=1; Expires=whenever", "a=1"),
        ("a=" + "x" * MOST_BYTES, ""),
    ],
)
def test_what_is_said_and_what_comes_back(said: str, comes_back: str) -> None:
    assert sent(jar(said)) == comes_back


def test_a_later_one_of_the_same_name_and_path_replaces_an_earlier_one_and_can_remove_it() -> None:
    assert sent(jar("a=1", "b=2", "a=3")) == "a=3; b=2"
    assert sent(jar("a=1", "b=2", "a=; Max-Age=0")) == "b=2"


@pytest.mark.parametrize(
    ("path", "target", "goes"),
    [
        ("/", "/x/y", True),
        ("/x", "/x", True),
        ("/x", "/x/y?q=/z", True),
        ("/x/", "/x/y", True),
        ("/x", "/xy", False),
        ("/x", "/", False),
        ("/x/", "/x", False),
        ("nonsense", "/shop/z", True),
        ("nonsense", "/z", False),
    ],
)
def test_paths(path: str, target: str, goes: bool) -> None:
    """Without a usable path it is the folder of what was asked."""
    assert bool(sent(jar(f"a=1; Path={path}", target="/shop/page?x=/1/2"), target)) == goes


def test_longer_paths_come_first() -> None:
    assert sent(jar("a=1; Path=/", "a=2; Path=/x/y", "a=3; Path=/x"), "/x/y") == "a=2; a=3; a=1"


def test_what_has_expired_is_not_sent_any_longer() -> None:
    made = jar("a=1; Max-Age=60")
    assert sent(made, now=NOW + 59 * SECOND) == "a=1"
    assert sent(made, now=NOW + 60 * SECOND) == ""
    inside = utc_now() + timedelta(hours=1)
    made = jar(f"a=1; Expires={format_datetime(inside, usegmt=True)}")
    assert sent(made, now=NOW + 3500 * SECOND) == "a=1"
    assert sent(made, now=NOW + 3700 * SECOND) == ""


def test_secure_ones_go_over_tls_and_to_this_machine() -> None:
    assert sent(jar("a=1; Secure"), origin=Origin("shop.test", 443, "192.0.2.1", tls=True)) == "a=1"
    for host in ("localhost", "127.0.0.1", "::1"):
        assert sent(jar("a=1; Secure"), origin=Origin(host, 80, host)) == "a=1"


def test_an_address_has_no_domain_above_it() -> None:
    origin = Origin("127.0.0.1", 80, "127.0.0.1")
    assert sent(jar("a=1; Domain=0.0.1", origin=origin), origin=origin) == ""
    assert sent(jar("a=1; Domain=127.0.0.1", origin=origin), origin=origin) == "a=1"


def test_there_are_never_more_than_so_many() -> None:
    made = jar(*(f"c{n}=1" for n in range(MOST_COOKIES)))
    for n in range(30):
        made.keep([(b"set-cookie", b"d%d=1" % n)], PLAIN, b"/", NOW)
    assert len(made) == MOST_COOKIES
    assert made.value("c29") is None
    assert (made.value("c30"), made.value("d29")) == ("1", "1")
    assert len(jar(*(f"c{n}=1" for n in range(100_000)))) == MOST_COOKIES


def test_a_message_gets_its_cookies_unless_it_brings_its_own() -> None:
    made = jar("a=1")
    wire = b"POST /x HTTP/1.1\r\nHost: shop.test\r\n\r\nCookie: in the body\r\n"
    assert dressed(wire, made, PLAIN, NOW) == wire.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nCookie: a=1\r\n", 1)
    own = wire.replace(b"Host:", b"cookie: mine=1\r\nHost:")
    assert dressed(own, made, PLAIN, NOW) == own
    assert dressed(wire, jar("a=1; Path=/y"), PLAIN, NOW) == wire


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=50))
def test_whatever_a_service_says_nothing_breaks(said: bytes, target: bytes) -> None:
    made = Jar()
    made.keep([(b"set-cookie", said)], PLAIN, b"/" + target, NOW)
    header = made.header(PLAIN, b"/" + target, NOW)
    assert len(made) <= 1
    assert not header or b"=" in header
