"""A mail server that takes everything at once and forgets it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: What is answered to the first letters of a command; anything else is fine too.
_ANSWERS = {b"EHLO": b"250-sink\r\n250 8BITMIME\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Sink:
    """The running server; `count` is how many mails it has taken."""

    def __init__(self) -> None:
        self.port = self.count = 0
        self._taken = threading.Condition()

    def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until so many mails have come in all; tell whether they have."""
        with self._taken:
            return self._taken.wait_for(lambda: self.count >= count, seconds)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            command = line[:4].upper()
            writer.write(_ANSWERS.get(command, b"250 ok\r\n"))
            if command == b"DATA":
                await reader.readuntil(b"\r\n.\r\n")
                with self._taken:
                    self.count += 1
                    self._taken.notify_all()
                writer.write(b"250 ok\r\n")
            elif command == b"QUIT":
                break
        writer.close()


@contextmanager
def sink() -> Iterator[Sink]:
    """Run a sink in a thread of its own."""
    running, loop = Sink(), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(running.talk, "127.0.0.1", 0, limit=2**20))
    running.port = int(server.sockets[0].getsockname()[1])
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
