"""`fake: sentence`: a value of Faker. One call costs 100 us and more, so a pool is drawn before the load begins.

The same seed gives the same pool within one version of Faker; the version goes into the result.
"""

from difflib import get_close_matches

from perfspec.base import random
from perfspec.data.drawing import Draw, Supply, even
from perfspec.data.kinds import Fake
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["KINDS", "POOL", "bind", "read"]

POOL = 1_000
KINDS = frozenset(
    """
    address city color_name company country email first_name iban ipv4 job last_name name paragraph phone_number
    postcode sentence street_address text url user_agent user_name word
    """.split()  # noqa: SIM905 - words on two lines
)
"""The kinds that every version and most locales of Faker have."""


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Fake | None:
    kind, locale = node.get("fake"), node.get("locale")
    if not isinstance(kind, Scalar):
        return None
    if kind.text not in KINDS:
        near = get_close_matches(kind.text, KINDS, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(KINDS))}"
        out.add("PS211", f"there is no fake `{kind.text}`", kind.span, hint)
        return None
    if isinstance(locale, Scalar):
        from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415 - as below

        if locale.text not in AVAILABLE_LOCALES:
            near = get_close_matches(locale.text, AVAILABLE_LOCALES, 1)
            hint = f"did you mean `{near[0]}`?" if near else "write for example `de_DE`"
            out.add("PS211", f"there is no fake data for `{locale.text}`", locale.span, hint)
            return None
    return Fake(name, span, kind.text, locale.text if isinstance(locale, Scalar) else "en_US")


def bind(data: Fake, supply: Supply) -> Draw:
    from faker import Faker  # noqa: PLC0415 - 0.15 s of import, paid only by specs that use it

    faker = Faker(data.locale)
    site = random.site(f"data.{data.name}")
    faker.seed_instance(random.mix(supply.seed, site))
    make = getattr(faker, data.provider)
    pool = [make() for _ in range(POOL)]
    position = even(site, POOL)
    return lambda scope: pool[position(scope)]
