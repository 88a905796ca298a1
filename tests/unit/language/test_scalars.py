import pytest

from perfspec.language.scalars import lookalike, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("0", 0),
        ("12", 12),
        ("-12", -12),
        ("+7", 7),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        (".", "."),
        ("1e", "1e"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 400, "9" * 400),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("300ms", "300ms"),
        ("5%", "5%"),
        ("0x", "0x"),
        ("=", "="),
    ],
)
def test_a_plain_text_stands_for_the_value_of_the_core_schema(text: str, value: object):
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("yes", "true"),
        ("ON", "true"),
        ("No", "false"),
        ("off", "false"),
        ("1:30", "1m30s"),
        ("0:05", "5s"),
        ("1:00:05", "1h5s"),
        ("0:00", "0s"),
        ("1_000", "1000"),
        ("1_0.5", "10.5"),
        ("y", None),
        ("1:75", None),
        ("oN", None),
        ("north", None),
        ("2024-01-01", None),
        ("12", None),
        ("host:80", None),
    ],
)
def test_a_lookalike_is_recognised_with_what_was_meant(text: str, meant: str | None):
    assert lookalike(text) == meant
