"""Values as YAML for people: keys in their order, texts of several lines as blocks, nothing wrapped."""

from collections.abc import Sequence

import yaml

__all__ = ["many_to_yaml", "to_yaml"]


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key; nothing is written as an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def to_yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)


def many_to_yaml(values: Sequence[object]) -> str:
    """Documents one after another."""
    return "".join(f"---\n{to_yaml(value)}" for value in values)
