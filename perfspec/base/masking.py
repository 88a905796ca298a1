"""Secrets never leave the process but in the request they belong to: every text for people or files is masked first."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from json import dumps
from urllib.parse import quote, quote_plus

__all__ = ["masked"]

MASK = "***"
_ESCAPED = re.compile("%[0-9A-F]{2}")
SHORTEST = 4
"""Less of a text in base64 would be found by chance."""


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret gone, in whatever way it was written: plain, URL, JSON, JSON in JSON, base64."""
    written: set[str] = set()
    for secret in secrets:
        written.update((secret, *_in_address(secret), *_in_json(secret), *_in_base64(secret)))
    for each in sorted(written - {""}, key=len, reverse=True):
        text = text.replace(each, MASK)
    return text


def _in_address(secret: str) -> Iterator[str]:
    """Not all write `/` as `%2F`, and some write it as `%2f`."""
    for each in (quote(secret, safe=""), quote(secret), quote_plus(secret), quote_plus(secret, safe="/")):
        yield from (each, _ESCAPED.sub(lambda found: found[0].lower(), each))


def _in_json(secret: str) -> Iterator[str]:
    """As most write it, letters as they are, and as Python and PHP do; and that as a text in JSON."""
    for is_ascii in (False, True):
        once = dumps(secret, ensure_ascii=is_ascii)[1:-1]
        for each in (once, once.replace("/", "\\/")):
            yield from (each, dumps(each, ensure_ascii=is_ascii)[1:-1])


def _in_base64(secret: str) -> Iterator[str]:
    """How it looks in base64 by itself, and at each of the three places in a longer text (`user:secret`)."""
    raw = secret.encode()
    yield from (whole := b64encode(raw).decode(), whole.rstrip("="))
    for before in range(3):
        begin, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6  # characters that the secret alone decides
        for encode in (b64encode, urlsafe_b64encode):
            part = encode(bytes(before) + raw).decode()[begin:end]
            if len(part) >= SHORTEST:
                yield part
