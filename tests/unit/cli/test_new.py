"""`perfspec new`: what it writes is a clean spec, whatever the address, and nothing is overwritten."""

import json

import pytest

from perfspec.app.new import service_name
from perfspec.base.errors import UsageFailure


@pytest.mark.parametrize(
    "arguments",
    [
        ("http://127.0.0.1:8080",),
        ("https://shop.example.com/", "--get", "/v1/a?q=x", "--get", "/v1/a", "--get", "/"),
        ("http://localhost:1/api", "--service", "my-shop", "--p95", "1s500ms", "--users", "2", "--owner", "us"),
        ("http://[::1]:80", "--get", "/all", "--get", "/rules", "--get", "/a:b"),
    ],
)
def test_what_is_written_is_clean(call, tmp_path, arguments):
    ended = call("new", *arguments, "--out", "specs/a.yaml")
    assert ended.exit_code == 0, ended.exception
    text = (tmp_path / "specs/a.yaml").read_text()
    linted = call("lint", "--strict", "specs/a.yaml")
    assert (linted.exit_code, linted.stdout) == (0, "1 spec without errors\n")
    assert call("fmt", "--check", "specs/a.yaml").exit_code == 0
    assert text.startswith(
        "# yaml-language-server: $schema=perfspec-1.schema.json\n# $schema: perfspec-1.schema.json\n"
    )
    assert json.loads((tmp_path / "specs/perfspec-1.schema.json").read_bytes())["title"] == "perfspec 1"


def test_a_service_without_a_name_is_to_be_named(call, tmp_path):
    assert "specs/my-service.yaml written" in call("new", "http://127.0.0.1:9345").stdout
    text = (tmp_path / "specs/my-service.yaml").read_text()
    assert "service: my-service              # what reports and files call it\n" in text
    assert "about: What users of my-service do most\n" in text
    assert "\ndata:" not in text


def test_the_file_is_called_after_the_service(call, tmp_path):
    assert "specs/shop.yaml written" in call("new", "https://shop.example.com").stdout
    assert "service: shop\n" in (tmp_path / "specs/shop.yaml").read_text()


def test_nothing_is_overwritten(call, tmp_path):
    (tmp_path / "a.yaml").write_text("mine")
    (tmp_path / "perfspec-1.schema.json").write_text("mine")
    assert isinstance(call("new", "http://a.test", "--out", "a.yaml").exception, UsageFailure)
    assert call("new", "http://a.test", "--out", "b.yaml").exit_code == 0
    assert (tmp_path / "a.yaml").read_text() == (tmp_path / "perfspec-1.schema.json").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [(), ("ftp://a",), ("http://",), ("http://a b",), ("http://a", "--get", "x"), ("http://a", "--p95", "300"),
     ("http://a", "--service", "a b")],
)  # fmt: skip
def test_what_makes_no_spec_is_refused(call, tmp_path, arguments):
    assert isinstance(call("new", *arguments, stdin="").exception, UsageFailure)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://shop.example.com", "shop"),
        ("http://127.0.0.1:8080", "my-service"),
        ("http://localhost/search/v1", "search"),
        ("http://[::1]:80", "my-service"),
    ],
)
def test_a_service_gets_its_name_from_its_address(url, name):
    assert service_name(url) == name
