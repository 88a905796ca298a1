"""Tags of many values, as far as a file of data says how many there are."""

from collections.abc import Sequence

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.spec.tags import MOST_ROWS, check_tags

SPEC = """perfspec: 1
service: shop
environments: {local: {url: "http://shop.test"}}
data: {row: {jsonl: rows.jsonl}}
flows: {look: {steps: [{get: /a, name: a, tags: {kind: "HOLE"}}]}}
thresholds: {all: {errors: under 1%}}
"""


@pytest.fixture
def told(spec_of):
    """How often a tag is said to have too many values, where the rows are these."""

    def run(hole: str, rows: Sequence[dict[str, object]]) -> int:
        spec = spec_of(SPEC.replace("HOLE", hole), {"rows.jsonl": '{"kind": "a", "of": {"kind": 1}}\n'})
        out = Diagnostics()
        check_tags(spec, {"row": rows}, out)
        return [each.code for each in out.sorted()].count("PS604")

    return run


@pytest.mark.parametrize(("values", "found"), [(50, 0), (51, 1)])
@pytest.mark.parametrize("hole", ["${row.kind}", "${row.of.kind}"])
def test_a_column_of_many_values_is_no_tag_however_deep_it_stands(told, hole, values, found) -> None:
    assert told(hole, [{"kind": n % values, "of": {"kind": n % values}} for n in range(200)]) == found


class Long(Sequence[dict[str, object]]):
    """A file that counts how often it is read; another value begins in its last third."""

    def __init__(self) -> None:
        self.read = 0

    def __len__(self) -> int:
        return 100 * MOST_ROWS

    def __getitem__(self, place):
        self.read += 1
        return {"kind": max(place - 66 * MOST_ROWS, 0) // 1_000}


def test_of_a_long_file_some_rows_are_looked_at_from_all_of_it(told) -> None:
    rows = Long()
    assert told("${row.kind}", rows) == 1
    assert rows.read <= MOST_ROWS
