"""Every phrase parser by name: text -> the structs of phrases.py, or None and a finding at the narrowest place.

A limit or a length that holds `${...}` gives None without a finding: it is read once values are known.
"""

from perfspec.language.answers import parse_capture, parse_matcher, parse_subject
from perfspec.language.arrivals import parse_arrivals, parse_arrivals_range, parse_at_most
from perfspec.language.json_path import is_singular, parse_json_path
from perfspec.language.limits import parse_limit, parse_limit_text, parse_pause_cap
from perfspec.language.loads import (
    parse_abort,
    parse_auth,
    parse_order,
    parse_pause,
    parse_text_length,
    parse_users,
    parse_users_range,
    parse_weights,
)
from perfspec.language.numbers import parse_number_range, parse_spread
from perfspec.language.quantities import parse_duration, parse_quantity, parse_rate, parse_share
from perfspec.language.repeats import parse_times
from perfspec.language.rules import parse_rule, parse_rule_text

__all__ = [
    "is_singular",
    "parse_abort",
    "parse_arrivals",
    "parse_arrivals_range",
    "parse_at_most",
    "parse_auth",
    "parse_capture",
    "parse_duration",
    "parse_json_path",
    "parse_limit",
    "parse_limit_text",
    "parse_matcher",
    "parse_number_range",
    "parse_order",
    "parse_pause",
    "parse_pause_cap",
    "parse_quantity",
    "parse_rate",
    "parse_rule",
    "parse_rule_text",
    "parse_share",
    "parse_spread",
    "parse_subject",
    "parse_text_length",
    "parse_times",
    "parse_users",
    "parse_users_range",
    "parse_weights",
]
