"""Messages between two processes of one machine, over a pair of connected sockets: length, then content. A message may
hold a million rows, so it is copied as seldom as can be.

The end of the other process, however it came, is the end of the channel: the kernel closes what it held.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

__all__ = ["Channel", "joined"]

LENGTH_BYTES = 8
PIECE_BYTES = 1 << 20


class Channel(asyncio.Protocol):
    def __init__(self, on_message: Callable[[bytes | bytearray], None], on_end: Callable[[], None]) -> None:
        """`on_end` is called once, when the other side is gone or this one has closed."""
        self._on_message = on_message
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        while len(received) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(received[:LENGTH_BYTES], "big")
            if len(received) < end:
                return
            if len(received) == end:
                self._received = bytearray()
                del received[:LENGTH_BYTES]
                self._on_message(received)
                return
            with memoryview(received) as view:
                message = bytes(view[LENGTH_BYTES:end])
            del received[:end]
            self._on_message(message)

    def pause_writing(self) -> None:
        self._has_room.clear()

    def resume_writing(self) -> None:
        self._has_room.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        self._transport = None
        self._has_room.set()
        self._on_end()

    def send(self, message: bytes) -> None:
        """Never waits. To nobody: nothing happens."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines((len(message).to_bytes(LENGTH_BYTES, "big"), message))

    async def send_whole(self, message: bytes) -> None:
        """Piece by piece, as the other side takes them; nothing is kept that waits."""
        view = memoryview(message)
        pieces: list[bytes | memoryview] = [len(message).to_bytes(LENGTH_BYTES, "big")]
        pieces += [view[at : at + PIECE_BYTES] for at in range(0, len(message), PIECE_BYTES)]
        for piece in pieces:
            await self._has_room.wait()
            if self._transport is None or self._transport.is_closing():
                return
            self._transport.write(piece)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def joined(
    end: socket.socket, on_message: Callable[[bytes | bytearray], None], on_end: Callable[[], None]
) -> Channel:
    """A channel over this end of a pair; closing it closes the socket."""
    loop = asyncio.get_running_loop()
    _, channel = await loop.create_unix_connection(lambda: Channel(on_message, on_end), sock=end)
    return channel
