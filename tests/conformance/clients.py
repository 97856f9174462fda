"""A client of the hub, in whichever language, as a process that is told what to watch and says what it hears.

It is started with the hub's address and perhaps a token. Commands are lines of JSON on its standard input:

    {"do": "watch", "id": "a", "request": {"stream": …, "query": …, "where": …, "history": …}}
    {"do": "explain", "id": "a", "stop": T}
    {"do": "end", "id": "a"}

Events are lines of JSON on its standard output, each with the `id` that it concerns:

    {"event": "columns", "columns": [[name, kind], …]}       the hub has granted it
    {"event": "window", "start", "stop", "revision", "final", "rows"}      only windows that are news
    {"event": "progress", "final_until": T}                  it knows that windows until then are final
    {"event": "explained", "stop", "points", "rows"}
    {"event": "refused", "code"}                             it has given up on this one
    {"event": "setback"}, {"event": "denied"}                without id: no connection now; none with this token
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.node import NODE

Event = dict[str, Any]
FOLDER = Path(__file__).parent
COMMANDS = {
    "typescript": [str(NODE), str(FOLDER / "probe.ts")],
    "python": [sys.executable, str(FOLDER / "probe.py")],
}


class Client:
    """One running client; as a context manager it ends at the end of the block."""

    def __init__(self, language: str, url: str, token: str | None = None) -> None:
        command = [*COMMANDS[language], url, *([token] if token else [])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parents[1]
        )
        self.heard: list[Event] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def watch(self, name: str, **request: Any) -> None:
        self._tell(do="watch", id=name, request=request)

    def explain(self, name: str, stop: int) -> None:
        self._tell(do="explain", id=name, stop=stop)

    def end(self, name: str) -> None:
        self._tell(do="end", id=name)

    def events(self, kind: str, name: str | None = None) -> list[Event]:
        """The events of this kind, in the order heard."""
        return [event for event in list(self.heard) if event["event"] == kind and event.get("id") == name]

    def windows(self, name: str) -> dict[int, Event]:
        """The latest that was heard of each window, by its stop."""
        return {event["stop"]: event for event in self.events("window", name)}

    def until(self, happened: Callable[[], Any], seconds: float = 15) -> Any:
        """Return as soon as that is true, with what it is; fail with all that was heard."""
        deadline = time.monotonic() + seconds
        while not (value := happened()):
            assert time.monotonic() < deadline, f"it did not happen; heard {self.heard[-30:]}"
            assert self._process.poll() is None, f"the client ended with {self._process.returncode}"
            time.sleep(0.01)
        return value

    def _tell(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.heard.append(json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()
