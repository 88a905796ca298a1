"""`auth`: what a request shows to be let in, and how that gets along with the headers it says itself."""

from typing import NamedTuple

from perfspec.language.nodes import Scalar
from perfspec.language.phrase_grammar import parse_auth
from perfspec.language.templates import Text
from perfspec.steps.reading import Reading

__all__ = ["NOBODY", "Authorization", "read_authorization", "with_headers"]


class Authorization(NamedTuple):
    """At most one of the two is there."""

    header: Text | None = None
    """The value of the header `Authorization`."""
    basic: Text | None = None
    """`basic USER:PASSWORD`: encoded when it is rendered."""


NOBODY = Authorization()


def read_authorization(auth: Scalar, reading: Reading) -> Authorization:
    said = parse_auth(auth, reading.out)
    if said is None or said.scheme == "none":
        return NOBODY
    if said.scheme == "basic":
        if ":" not in said.value.partition("${")[0] and "${" not in said.value:
            message = "`basic` takes a user and a password with `:` between them"
            reading.out.add("PS209", message, auth.span, f"write `basic {said.value}:${{secret.password}}`")
        return Authorization(basic=Text(f"Basic {said.value}", auth.content))  # as long as written: places stay right
    return Authorization(Text(f"Bearer {said.value}", auth.content))


def with_headers(
    authorization: Authorization, own: tuple[tuple[str, Text], ...], reading: Reading
) -> tuple[tuple[tuple[str, Text], ...], Text | None]:
    """All headers of a request, and what is to be encoded as `basic`. What it says itself wins."""
    named = {name.lower() for name, _ in own}
    if "authorization" in named:
        authorization = NOBODY
    shown = () if authorization.header is None else (("Authorization", authorization.header),)
    if authorization != NOBODY:
        named.add("authorization")
    return (*(h for h in reading.headers if h[0].lower() not in named), *shown, *own), authorization.basic
