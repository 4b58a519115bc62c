"""An IMAP server for thousands of people who only wait: `python -m tests.servers.crowd`.

It prints its port. Then each line of its standard input is a person to whom a mail is told, or
`count`, which it answers with how many are waiting in IDLE, and how often IDLE was begun anew.
"""

from __future__ import annotations

import asyncio
import sys

from worker.files import raise_limit

ANSWERS = {
    b"CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n",
    b"LIST": '* LIST () "/" INBOX\r\n{tag} OK done\r\n',
    b"STATUS": "* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)\r\n{tag} OK done\r\n",
    b"EXAMINE": (
        "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 3] ok\r\n"
        "{tag} OK [READ-ONLY] done\r\n"
    ),
}


class Crowd:
    """Who is waiting."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.StreamWriter] = {}
        self.renewed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client until it goes."""
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
        user, idle_tag, has_idled = "", "", False
        while line := await reader.readline():
            words = line.split()
            if line == b"DONE\r\n":
                self.waiting.pop(user, None)
                writer.write(f"{idle_tag} OK over\r\n".encode())
                continue
            tag, command = words[0].decode(), words[1].upper()
            if command == b"LOGIN":
                user = words[2].decode().strip('"')
                writer.write(f"{tag} OK [CAPABILITY IMAP4rev1 IDLE] in\r\n".encode())
            elif command == b"IDLE":
                self.waiting[user], idle_tag = writer, tag
                self.renewed += has_idled
                has_idled = True
                writer.write(b"+ waiting\r\n")
            else:
                answer = ANSWERS.get(command, "{tag} OK done\r\n")
                writer.write(answer.format(tag=tag).encode())
        self.waiting.pop(user, None)
        writer.close()

    async def obey(self) -> None:
        """Do what standard input says until it ends."""
        said = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
        while line := (await said.readline()).decode().strip():
            if line == "count":
                print(len(self.waiting), self.renewed, flush=True)
            else:
                self.waiting[line].write(b"* 3 EXISTS\r\n")


async def main() -> None:
    """Serve on a free port of loopback."""
    raise_limit()
    crowd = Crowd()
    server = await asyncio.start_server(crowd.serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await crowd.obey()


if __name__ == "__main__":
    asyncio.run(main())
