"""Redirects, above the transports: the requests that lead from a first answer to the last one.

Rules:
1. The chain is one sample: it is due and sent when its first request is, ends with its last answer, and has one
   time-out. Its single requests are timed apart (timer `redirect`).
2. 301, 302 and 303 turn into a GET without a body (a HEAD stays one); 307 and 308 send the same again.
3. Only within the address of the environment: no load goes to where no environment points. Elsewhere is an error of
   its own, and so are more than ten in a row.
"""

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from perfspec.engine.cookies import JAR_LINE, target_of
from perfspec.engine.http1 import REDIRECTS
from perfspec.steps.runtime import Call, Origin, Outcome, Streamed

__all__ = ["ELSEWHERE", "LOOP", "MOST_REDIRECTS", "REDIRECTS", "Chain", "Refused", "next_request"]

MOST_REDIRECTS = 10
LOOP, ELSEWHERE = "redirect loop", "redirect elsewhere"
_SAME_AGAIN = frozenset({307, 308})
_OF_A_BODY = (b"content-length", b"content-type", b"content-encoding", b"transfer-encoding")


class Refused(Exception):
    """This redirect is not followed; `kind` is what the request is counted under."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Chain:
    """What is remembered of the request that a chain began with."""

    __slots__ = ("call", "data", "ends", "followed", "sent")

    def __init__(self, call: Call, sent: int) -> None:
        self.call = call
        self.sent = sent
        self.ends = sent + call.timeout_ns
        self.followed = 0
        self.data: bytes | Streamed = b""
        """What was sent last for it."""


def next_request(
    chain: Chain, call: Call, outcome: Outcome, sent: bytes | Streamed, now_ns: int
) -> tuple[Call, bytes | Streamed] | None:
    """What to send after this answer to `sent`; None if it says no place. Raises Refused."""
    assert outcome.head is not None
    location = next((value for name, value in outcome.head.headers if name == b"location"), b"")
    if not location:
        return None
    chain.followed += 1
    if chain.followed > MOST_REDIRECTS:
        raise Refused(LOOP, f"{MOST_REDIRECTS} redirects in a row, then one to {location[:200].decode('latin-1')}")
    head = sent if isinstance(sent, bytes) else sent.head
    target = _target(location, head, call.origin)
    data = _elsewhere(sent, head, target) if outcome.status in _SAME_AGAIN else _as_get(head, target)
    left_ns = chain.ends - now_ns
    if left_ns <= 0:
        raise Refused("timeout", "")
    is_head = head.startswith(b"HEAD ")
    is_again = call.idempotent if outcome.status in _SAME_AGAIN else True
    return replace(call, timeout_ns=left_ns, no_body=is_head, idempotent=is_again), data


def _target(location: bytes, head: bytes, origin: Origin) -> bytes:
    """The new target. Raises Refused if it is none, or at another address."""
    said = location[:2000].decode("latin-1")
    scheme, usual = ("https", 443) if origin.tls else ("http", 80)
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    try:
        parts = urlsplit(urljoin(f"{scheme}://{host}:{origin.port}{target_of(head).decode('latin-1')}", said))
        there = (parts.scheme, parts.hostname, parts.port or usual)
    except ValueError as error:
        raise Refused("protocol", "redirected to what is no address") from error
    if there != (scheme, origin.host, origin.port):  # what else stands in it may be anybody's secret
        where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        raise Refused(ELSEWHERE, f"redirected to {where}, which is not the address of this environment")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "".join(c if "!" <= c <= "~" else "".join(f"%{b:02X}" for b in c.encode("latin-1")) for c in target).encode()


def _elsewhere(sent: bytes | Streamed, head: bytes, target: bytes) -> bytes | Streamed:
    end = head.find(b"\r\n\r\n")
    lines = _lines(head[:end])
    first = head.partition(b" ")[0] + b" " + target + b" HTTP/1.1"
    again = b"\r\n".join((first, *lines)) + head[end:]
    return again if isinstance(sent, bytes) else sent.with_head(again)


def _lines(head: bytes) -> list[bytes]:
    """The headers without the cookies of the jar, which stand first: the new place gets those that belong to it. A
    `Cookie` of the spec's own stays.
    """
    lines = head.split(b"\r\n")[1:]
    return lines[1:] if lines[0].startswith(JAR_LINE) else lines


def _as_get(head: bytes, target: bytes) -> bytes:
    lines = _lines(head[: head.find(b"\r\n\r\n")])
    kept = (line for line in lines if line.partition(b":")[0].lower() not in _OF_A_BODY)
    method = b"HEAD" if head.startswith(b"HEAD ") else b"GET"
    return b"\r\n".join((method + b" " + target + b" HTTP/1.1", *kept)) + b"\r\n\r\n"
