# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A gate between a node and a server behind it, which the tests can shut: the network's part of a fault."""

import asyncio
import ssl

HOST = "127.0.0.1"


class Gate:
    def __init__(self, target: int, context: ssl.SSLContext | None = None):
        self.target, self.context = target, context
        self.tasks, self.server, self.port = set(), None, 0

    async def open(self):
        """Opens it, again at the port that it had."""
        self.server = await asyncio.start_server(self.accepted, HOST, self.port, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def shut(self):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def accepted(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        back = None
        try:
            back_reader, back = await asyncio.open_connection(HOST, self.target)
            await self.let_through(reader, writer, back_reader, back)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(asyncio.current_task())
            for end in [writer, back]:
                if end:
                    end.close()

    async def let_through(self, reader, writer, back_reader, back):
        await asyncio.gather(self.pump(reader, back), self.pump(back_reader, writer))

    @staticmethod
    async def pump(reader, writer):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
