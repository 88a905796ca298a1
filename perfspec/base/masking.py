"""Secrets never leave the process but in the request they belong to: every text for people or files is masked first."""

from base64 import b64encode
from collections.abc import Iterable
from json import dumps
from urllib.parse import quote, quote_plus

__all__ = ["masked"]

MASK = "***"


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret gone, in whatever way it was written: plain, URL, JSON, base64."""
    written: set[str] = set()
    for secret in secrets:
        encoded = b64encode(secret.encode()).decode()
        written |= {
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            dumps(secret)[1:-1],
            encoded,
            encoded.rstrip("="),
        }
    for each in sorted(written - {""}, key=len, reverse=True):
        text = text.replace(each, MASK)
    return text
