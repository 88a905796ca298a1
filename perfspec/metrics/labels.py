"""Which values of drawn tags have series of their own. A tag can be drawn from millions; series have to stay few.

A tag has its first 50 values, and those that a limit is about; any other counts as `other`. Where many tags make too
many combinations of these, only what limits are about is kept apart in new ones.
"""

from collections.abc import Collection

__all__ = ["MOST_COMBINATIONS", "MOST_TAG_VALUES", "OTHER", "Labels"]

MOST_TAG_VALUES = 50
MOST_COMBINATIONS = 2500
"""Of labels of the tags of one request: each is a series."""
OTHER = "other"


class Labels:
    """Of the tags of one request."""

    def __init__(self, tags: tuple[str, ...], kept: Collection[tuple[str, str]]) -> None:
        """`kept`: tags with the values that limits are about."""
        self._tags = tags
        self._kept = kept
        self._first: tuple[set[str], ...] = tuple(set() for _ in tags)
        self._made: set[tuple[str, ...]] = set()

    def of(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The labels for these values, one a tag."""
        labels = tuple(self._one(place, value) for place, value in enumerate(values))
        if labels in self._made:
            return labels
        if len(self._made) < MOST_COMBINATIONS:
            self._made.add(labels)
            return labels
        return tuple(
            value if (tag, value) in self._kept else OTHER for tag, value in zip(self._tags, labels, strict=True)
        )

    def _one(self, place: int, value: str) -> str:
        values = self._first[place]
        if value in values or (self._tags[place], value) in self._kept:
            return value
        if len(values) >= MOST_TAG_VALUES:
            return OTHER
        values.add(value)
        return value
