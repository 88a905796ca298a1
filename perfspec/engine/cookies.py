"""The cookies of one user, as far as a load test needs them: kept per user, sent to where they belong, bounded.

Rules (RFC 6265, for the one host a run talks to):
1. A `Domain` that does not cover the host is refused; which hosts beyond it might get the cookie is nobody's concern.
2. `Secure` cookies are sent over TLS and to this machine; `HttpOnly` and `SameSite` are for browsers.
3. `Max-Age` wins over `Expires`; what has expired is removed, and never sent.
4. At most 50 cookies of 4 kB each; the one set longest ago makes room.
5. A request that says `Cookie` itself is left as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

from perfspec.base.clock import SECOND, utc_now
from perfspec.steps.runtime import Cookies, Origin, Streamed

__all__ = ["JAR_LINE", "MOST_COOKIES", "Jar", "dressed", "target_of"]

MOST_COOKIES = 50
MOST_BYTES = 4096
JAR_LINE = b"Cookie: "
"""How the line of a jar begins. It is the first one of a message, where no other header of that name comes to stand."""
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Cookie:
    value: bytes
    secure: bool
    until_ns: int


class Jar:
    """Kept by name and path, in the order in which they were first set."""

    __slots__ = ("_cookies",)

    def __init__(self) -> None:
        self._cookies: dict[tuple[bytes, bytes], Cookie] = {}

    def __len__(self) -> int:
        return len(self._cookies)

    def keep(self, headers: Iterable[tuple[bytes, bytes]], origin: Origin, target: bytes, now_ns: int) -> None:
        """Take in every `set-cookie` of an answer to a request for `target`."""
        seen = 0
        for name, value in headers:
            if name == b"set-cookie" and seen < MOST_COOKIES:
                seen += 1
                self._keep(value, origin, target, now_ns)

    def _keep(self, said: bytes, origin: Origin, target: bytes, now_ns: int) -> None:
        pair, _, rest = said.partition(b";")
        name, equals, value = (part.strip() for part in pair.partition(b"="))
        if not equals or not name or len(pair) > MOST_BYTES:
            return
        options = _options(rest)
        if not _covers(options.get(b"domain", b""), origin.host):
            return
        path = options.get(b"path", b"")
        key = name, path if path.startswith(b"/") else _folder(target)
        until_ns = _until(options, now_ns)
        if until_ns <= now_ns:
            self._cookies.pop(key, None)
            return
        self._cookies[key] = Cookie(value, b"secure" in options, until_ns)
        if len(self._cookies) > MOST_COOKIES:
            del self._cookies[next(iter(self._cookies))]

    def header(self, origin: Origin, target: bytes, now_ns: int) -> bytes:
        """What to send for `target`, longer paths first; empty if nothing fits."""
        path = target.partition(b"?")[0]
        may_be_secure = origin.tls or _is_here(origin.host)
        fitting = [
            (key, cookie)
            for key, cookie in self._cookies.items()
            if cookie.until_ns > now_ns and (may_be_secure or not cookie.secure) and _below(path, key[1])
        ]
        fitting.sort(key=lambda each: -len(each[0][1]))
        return b"; ".join(name + b"=" + cookie.value for (name, _), cookie in fitting)

    def value(self, name: str) -> str | None:
        wanted = name.encode("latin-1", "replace")
        found = [cookie.value for (key, _), cookie in self._cookies.items() if key == wanted]
        return found[-1].decode("latin-1") if found else None


def dressed(message: bytes | Streamed, jar: Cookies, origin: Origin, now_ns: int) -> bytes | Streamed:
    """The message with the cookies that belong to it."""
    head = message if isinstance(message, bytes) else message.head
    cookies = jar.header(origin, target_of(head), now_ns)
    if not cookies or b"\r\ncookie:" in head[: head.find(b"\r\n\r\n")].lower():
        return message
    line, _, rest = head.partition(b"\r\n")
    head = b"%b\r\n%b%b\r\n%b" % (line, JAR_LINE, cookies, rest)
    return head if isinstance(message, bytes) else message.with_head(head)


def target_of(head: bytes) -> bytes:
    """The target in a request's first line."""
    return head[: head.find(b"\r\n")].split(b" ")[1]


def _options(rest: bytes) -> dict[bytes, bytes]:
    options = {}
    for option in rest.split(b";"):
        name, _, value = option.partition(b"=")
        options[name.strip().lower()] = value.strip()
    return options


def _covers(domain: bytes, host: str) -> bool:
    wanted = domain.decode("latin-1").lower().removeprefix(".")
    return not wanted or host == wanted or (host.endswith("." + wanted) and not _is_address(host))


def _until(options: dict[bytes, bytes], now_ns: int) -> int:
    age = options.get(b"max-age", b"")
    if age.removeprefix(b"-").isdigit():
        return now_ns + int(age[:10]) * SECOND
    if b"expires" not in options:
        return _NEVER
    try:
        when = parsedate_to_datetime(options[b"expires"].decode("latin-1"))
    except (ValueError, OverflowError):
        return _NEVER
    left = when.replace(tzinfo=when.tzinfo or UTC) - utc_now()
    return now_ns + int(left.total_seconds() * SECOND)


def _folder(target: bytes) -> bytes:
    """The default path: the target's, up to its last slash."""
    return target.partition(b"?")[0].rpartition(b"/")[0] or b"/"


def _below(path: bytes, folder: bytes) -> bool:
    return path == folder or (path.startswith(folder) and (folder.endswith(b"/") or path[len(folder)] == ord("/")))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_here(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
