"""Answers kept in Redis, where one is named: `REDIS_URL`. A Redis that is gone costs its hits, never an answer."""

import contextlib
from hashlib import blake2b
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from perfspec.base.errors import EnvironmentFailure

__all__ = ["Cache", "NoCache", "RedisCache", "cache_key", "open_cache"]

_KEPT_S = 300
_PATIENCE_S = 0.5


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


class RedisCache:
    def __init__(self, url: str) -> None:
        try:
            self._redis = Redis.from_url(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        except ValueError as error:
            raise EnvironmentFailure(f"REDIS_URL is no address of a Redis: {error}") from error

    async def get(self, key: str) -> bytes | None:
        with contextlib.suppress(RedisError, OSError):
            value = await self._redis.get(key)
            return value if isinstance(value, bytes) else None
        return None

    async def put(self, key: str, value: bytes) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._redis.set(key, value, ex=_KEPT_S)

    async def up(self) -> dict[str, bool]:
        try:
            await self._redis.ping()
        except (RedisError, OSError):
            return {"redis": False}
        return {"redis": True}

    async def close(self) -> None:
        await self._redis.aclose()


def open_cache(url: str | None) -> Cache:
    return RedisCache(url) if url else NoCache()


def cache_key(*parts: object) -> str:
    return "gateway:" + blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
