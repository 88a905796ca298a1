"""Answers that are kept: in Redis, where REDIS_URL names one, or nowhere."""

from hashlib import blake2b
from typing import Protocol

__all__ = ["Cache", "NoCache", "cache_key", "open_cache"]


class Cache(Protocol):
    """Bytes by key."""

    async def get(self, key: str) -> bytes | None: ...
    async def put(self, key: str, value: bytes) -> None: ...
    async def up(self) -> dict[str, bool]:
        """The dependency by name and whether it answers; nothing if there is none."""

    async def close(self) -> None: ...


class NoCache:
    async def get(self, _key: str) -> bytes | None:
        return None

    async def put(self, _key: str, _value: bytes) -> None:
        return

    async def up(self) -> dict[str, bool]:
        return {}

    async def close(self) -> None:
        return


def open_cache(url: str | None) -> Cache:
    if not url:
        return NoCache()
    # Loaded when used: the client costs more than all the rest.
    from perfspec.reference.redis_cache import RedisCache  # noqa: PLC0415

    return RedisCache(url)


def cache_key(*parts: object) -> str:
    return "gateway:" + blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
