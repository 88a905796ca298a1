"""Answers kept in Redis for five minutes. A Redis that is gone costs its hits, never an answer."""

import contextlib

from redis.asyncio import Redis
from redis.exceptions import RedisError

from perfspec.base.errors import EnvironmentFailure

__all__ = ["RedisCache"]

_KEPT_S = 300
_PATIENCE_S = 0.5


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
