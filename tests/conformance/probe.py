"""The Python client as the conformance tests drive it: a command a line in, an event a line out; see clients.py."""

import asyncio
import json
import sys
from typing import Any

from hub.client import HubRefused, Live


def say(**event: Any) -> None:
    print(json.dumps(event), flush=True)


watched: dict[str, Live] = {}


async def watch(url: str, token: str | None, name: str, request: dict[str, Any]) -> None:
    try:
        async with Live(url, **request, token=token, on_setback=lambda *_: say(event="setback")) as windows:
            watched[name] = windows
            described = progress = None
            async for window in windows:
                if described != windows.columns:
                    described = windows.columns
                    say(id=name, event="columns", columns=[[column.name, column.kind] for column in described])
                told = {key: getattr(window, key) for key in ("start", "stop", "revision", "final", "rows")}
                say(id=name, event="window", **told)
                if progress != windows.final_until:
                    progress = windows.final_until
                    say(id=name, event="progress", final_until=progress)
    except HubRefused as error:
        if error.code in (4401, 401, 4403, 403):
            say(event="denied")
        else:
            say(id=name, event="refused", code=error.code)


async def explain(name: str, stop: int) -> None:
    try:
        told = await watched[name].explain(stop)
        say(id=name, event="explained", stop=told.stop, points=told.points, rows=told.rows)
    except HubRefused as error:
        say(id=name, event="refused", code=error.code)


async def main(url: str, token: str | None = None) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    watching: dict[str, asyncio.Task[None]] = {}
    asking: list[asyncio.Task[None]] = []
    async for line in reader:
        command = json.loads(line)
        match command["do"]:
            case "watch":
                windows = watch(url, token, command["id"], command["request"])
                watching[command["id"]] = asyncio.create_task(windows)
            case "explain":
                asking.append(asyncio.create_task(explain(command["id"], command["stop"])))
            case "end":
                watching[command["id"]].cancel()
    for task in (*watching.values(), *asking):
        task.cancel()


asyncio.run(main(*sys.argv[1:]))
