"""`fake: sentence`: a value of Faker. A call costs 0.01 to 0.7 ms, so a pool of values is drawn before the load begins
and draws choose from it: `pool: 1000` of the dearest kind is there in under a second, and costs 70 kB.

The same seed gives the same pool within one version of Faker, whenever and in whichever process it is made: dates lie
before 2026 and not before now. The version goes into the result.
"""

import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from perfspec.base import random
from perfspec.data.drawing import Draw, Supply, even
from perfspec.data.kinds import Fake
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["KINDS", "LOCAL_KINDS", "POOL", "bind", "read"]

LATEST_S = 1_767_225_600
"""The end of 2025, in seconds since 1970."""
POOL = 1_000
MOST = 100_000
KINDS = frozenset(
    """
    address ascii_company_email ascii_email bban building_number bs catch_phrase city city_suffix color_name company
    company_email company_suffix country country_code credit_card_expire credit_card_number credit_card_provider
    credit_card_security_code cryptocurrency_code cryptocurrency_name currency_code currency_name currency_symbol date
    day_of_week domain_name domain_word ean13 ean8 email emoji file_extension file_name file_path first_name
    first_name_female first_name_male free_email hex_color hostname http_method http_status_code iban ipv4 ipv4_private
    ipv4_public ipv6 isbn10 isbn13 iso8601 job language_code language_name last_name license_plate locale mac_address
    md5 mime_type month_name name paragraph passport_number password port_number postcode prefix safe_email sentence
    sha256 slug ssn street_address street_name suffix swift text time timezone tld unix_time uri uri_path url user_agent
    user_name vin word year
    """.split()  # noqa: SIM905 - words on a few lines
)
"""The kinds that every locale of Faker has."""
LOCAL_KINDS = frozenset(
    """
    administrative_unit bank city_prefix country_calling_code msisdn name_female name_male phone_number
    secondary_address state state_abbr zipcode
    """.split()  # noqa: SIM905 - as above
)
"""The kinds that some locales lack."""
_OURS = {"uuid4": "uuid: random", "uuid": "uuid: random", "random_int": "number: 1 to 100", "pyint": "number: 1 to 100",
         "random_element": "choice: [a, b]", "words": "text: 3 to 8 words", "date_time": "time: now"}  # fmt: skip


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Fake | None:
    kind, locale, pool = node.get("fake"), node.get("locale"), node.get("pool")
    if not isinstance(kind, Scalar) or not _is_known(kind, out):
        return None
    place = locale.text if isinstance(locale, Scalar) else "en_US"
    if isinstance(locale, Scalar) and not _is_there(kind.text, locale, out):
        return None
    size = pool.value if isinstance(pool, Scalar) and isinstance(pool.value, int) else POOL
    return Fake(name, span, kind.text, place, min(max(size, 1), MOST))


def _is_known(kind: Scalar, out: Diagnostics) -> bool:
    known = KINDS | LOCAL_KINDS
    if kind.text in known:
        return True
    near = get_close_matches(kind.text, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(known))}"
    out.add("PS211", f"there is no fake `{kind.text}`", kind.span, _ours(kind.text) or hint)
    return False


def _ours(kind: str) -> str:
    return f"write `{_OURS[kind]}`" if kind in _OURS else ""


def _is_there(kind: str, locale: Scalar, out: Diagnostics) -> bool:
    """Is there such a locale, and does it have that kind?"""
    from faker import Faker  # noqa: PLC0415 - 0.15 s of import, paid only by specs that use it
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415 - as above

    if locale.text not in AVAILABLE_LOCALES:
        near = get_close_matches(locale.text, AVAILABLE_LOCALES, 1)
        hint = f"did you mean `{near[0]}`?" if near else "write for example `de_DE`"
        out.add("PS211", f"there is no fake data for `{locale.text}`", locale.span, hint)
        return False
    if kind in LOCAL_KINDS and not hasattr(Faker(locale.text), kind):
        out.add("PS211", f"`{locale.text}` has no fake `{kind}`", locale.span, "choose another kind, or another locale")
        return False
    return True


def bind(data: Fake, supply: Supply) -> Draw:
    from faker import Faker  # noqa: PLC0415 - as above

    faker = Faker(data.locale)
    site = random.site(f"data.{data.name}")
    faker.seed_instance(random.mix(supply.seed, site))
    _stop_the_clock(faker)
    make = getattr(faker, data.provider)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some kinds say that they are made up
        pool = [make() for _ in range(data.pool)]
    position = even(site, len(pool))
    return lambda scope: pool[position(scope)]


def _stop_the_clock(faker: "Faker") -> None:
    """Dates and times are drawn up to a moment that is always the same: all of them come from `unix_time`."""
    from faker.providers import date_time  # noqa: PLC0415 - as above

    (provider,) = [each for each in faker.get_providers() if isinstance(each, date_time.Provider)]
    drawn = provider.unix_time

    def unix_time(end_datetime: Any = None, start_datetime: Any = None) -> float:
        return float(drawn(LATEST_S if end_datetime is None else end_datetime, start_datetime))

    provider.unix_time = unix_time  # type: ignore[method-assign]
    faker.add_provider(provider)
