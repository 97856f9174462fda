"""What a shell and a terminal get: completion, and colours only where they are wanted."""

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.hub.contract.story import settings
from tests.hub.running import running_hub
from tests.servers.hub import COMMAND, free_port

COLOUR = re.compile("\x1b\\[([0-9]+;)*(3[0-7]|9[0-7])[;m]")


def completed(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    environment = {
        **os.environ,
        "_PXL_HUB_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("pxl-hub", *words)),
        "COMP_CWORD": str(len(words)),
    }
    run = subprocess.run([str(COMMAND)], env=environment, capture_output=True, text=True, timeout=30, check=False)
    return run.stdout.split()


def test_commands_and_options_are_completed() -> None:
    assert completed("str") == ["streams"]
    assert completed("query", "--a") == ["--as"]
    assert set(completed("query", "--as", "")) == {"table", "sparkline", "csv", "json"}


def test_names_of_streams_are_completed_by_the_hub_itself(tmp_path: Path) -> None:
    with running_hub(settings(tmp_path)) as hub:
        assert completed("watch", "--url", hub.sockets, "we") == ["weather"]
        assert completed("watch", "--url", hub.sockets, "x") == []
    assert completed("watch", "--url", f"ws://127.0.0.1:{free_port()}", "we") == []


def on_a_terminal(*words: str, **environment: str) -> str:
    """What this call of `pxl-hub` writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(COMMAND), *words], stdout=theirs, env={**os.environ, "TERM": "xterm-256color", **environment}
    )
    os.close(theirs)
    written = bytearray()
    try:
        while part := os.read(ours, 65_536):
            written += part
    except OSError:
        pass  # a terminal whose other end is closed
    os.close(ours)
    assert process.wait(30) == 0
    return written.decode()


def test_a_terminal_is_written_in_styles_and_a_pipe_is_not() -> None:
    assert "\x1b[1m9000" in on_a_terminal("settings", HUB_PORT="9000")
    piped = subprocess.run([str(COMMAND), "settings"], capture_output=True, timeout=30, check=True)
    assert b"\x1b" not in piped.stdout
    assert max(map(len, piped.stdout.splitlines())) > 120, "nothing is folded in a pipe"


def test_who_wants_no_colours_gets_none() -> None:
    assert COLOUR.search(on_a_terminal("--help"))
    assert not COLOUR.search(on_a_terminal("--help", NO_COLOR="1"))
    assert not COLOUR.search(on_a_terminal("--help", TERM="dumb"))
