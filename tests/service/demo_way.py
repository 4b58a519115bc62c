"""A demo as `leadmail up --demo` runs it: started, asked, stopped."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEADMAIL = Path(sys.executable).with_name("leadmail")


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: what it printed, and how its API is reached."""

    process: subprocess.Popen[str]
    home: Path
    said: str
    port: int
    key: str
    delivered: list[str] = field(default_factory=list)

    def get(self, path: str) -> Any:
        return self.call("GET", path, 200)

    def call(self, verb: str, path: str, status: int) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(verb, path, headers={"Authorization": f"Bearer {self.key}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert status == answer.status
        return json.loads(body)


def start(home: Path) -> Demo:
    process = subprocess.Popen(
        [LEADMAIL, "up", "--demo", "--port", "0", "--data", home],
        stdout=subprocess.PIPE,
        text=True,
        cwd=home.parent,
        env=os.environ | {"LEADMAIL_DATA": str(home)},
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(("console:", "stopping")):
            break
    port = re.search(r"ready: http://127\.0\.0\.1:(\d+)", said)
    key = re.search(r"key (\S+)", said)
    assert port, said
    assert key, said
    return Demo(process, home, said, int(port[1]), key[1])


def stop(demo: Demo) -> int:
    demo.process.send_signal(signal.SIGTERM)
    code = demo.process.wait(60)
    assert demo.process.stdout is not None
    demo.process.stdout.close()
    return code
