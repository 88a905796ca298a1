"""Which specs a change concerns."""

import pytest

from perfspec.spec.affected import Affected, Guard, affected, matches


@pytest.mark.parametrize(
    ("glob", "path", "holds"),
    [
        ("services/search/**", "services/search/a.py", True),
        ("services/search/**", "services/search/deep/er/a.py", True),
        ("services/search/**", "services/searching/a.py", False),
        ("services/*/api.py", "services/search/api.py", True),
        ("services/*/api.py", "services/search/v1/api.py", False),
        ("**/api.py", "api.py", True),
        ("**/api.py", "a/b/api.py", True),
        ("libs/**/rank.py", "libs/rank.py", True),
        ("libs/**/rank.py", "libs/a/b/rank.py", True),
        ("libs", "libs/a/b.py", True),
        ("./libs/", "libs/a.py", True),
        ("*.toml", "pyproject.toml", True),
        ("*.toml", "a/pyproject.toml", False),
        ("v?/x", "v1/x", True),
        ("v?/x", "v12/x", False),
        ("a+b(c)/x", "a+b(c)/x", True),
        ("a.b/x", "aXb/x", False),
    ],
)
def test_a_glob_means_what_it_means_elsewhere(glob, path, holds) -> None:
    assert matches(glob, path) is holds


SEARCH = Guard("specs/search.yaml", "search", ("services/search/**",), ("specs/search.yaml", "specs/shared/suite.yaml"))
SHOP = Guard("specs/shop.yaml", "shop", ("services/shop/**",), ("specs/shop.yaml", "specs/shared/suite.yaml"))


@pytest.mark.parametrize(
    ("changed", "services"),
    [
        ([], []),
        (["README.md"], []),
        (["services/search/a.py"], ["search"]),
        (["services/shop/a.py", "services/search/a.py"], ["search", "shop"]),
        (["specs/shop.yaml"], ["shop"]),
        (["specs/shared/suite.yaml"], ["search", "shop"]),
    ],
)
def test_a_spec_is_concerned_by_its_code_and_by_its_files(changed, services) -> None:
    assert [each.service for each in affected((SEARCH, SHOP), changed)] == services


def test_a_spec_without_globs_guards_everything_and_one_with_errors_is_always_concerned() -> None:
    open_one = Guard("a.yaml", "a", (), ("a.yaml",))
    broken = Guard("b.yaml", "b", ("x/**",), ("b.yaml",), "it has errors")
    assert affected((open_one, broken), ["README.md"]) == [
        Affected("a.yaml", "a", "it names no `run_when_changed`"),
        Affected("b.yaml", "b", "it has errors"),
    ]
    assert [each.spec for each in affected((open_one, broken), [])] == ["b.yaml"]
