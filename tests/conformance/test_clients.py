"""What every client of the hub must do, against a running hub: the same script for each language."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.clients import COMMANDS, Client
from tests.servers.hub import COMMAND, HubProcess

STREAMS = """
[streams.weather]
measurement = "weather"
select = {temp = ["mean", "count"]}
group_by = ["site"]
every = "1s"
grace = "200ms"
"""
QUERY = {"measurement": "weather", "select": {"temp": "sum"}, "every": "1s", "grace": "200ms"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    (tmp_path / "hub.toml").write_text(STREAMS)
    with HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml")) as hub:
        yield hub


@pytest.fixture(params=COMMANDS)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(hub: HubProcess, language: str) -> Iterator[Client]:
    with Client(language, hub.url) as client:
        yield client


def last_second() -> int:
    """The latest whole second that is over, milliseconds."""
    return int(time.time()) * 1_000


def write(hub: HubProcess, site: str, temp: float, at: int) -> None:
    """A point that is durable when this returns; `at` in milliseconds."""
    body = f"weather,site={site} temp={temp} {at}".encode()
    with urllib.request.urlopen(f"{hub.url}/api/v2/write?bucket=b&precision=ms", body, timeout=10) as answer:
        assert answer.status == 204


def test_the_history_comes_first_and_live_windows_follow_without_a_hole(hub: HubProcess, client: Client) -> None:
    begin = last_second()
    write(hub, "a", 20.5, begin - 4_500)
    client.watch("w", stream="weather", history="1m")
    client.until(lambda: client.windows("w"))
    now = last_second()
    write(hub, "b", 7.0, now + 500)
    client.until(lambda: client.windows("w").get(now + 1_000, {}).get("rows"))
    windows = client.windows("w")
    assert client.events("columns", "w")[0]["columns"] == [
        ["site", "tag"],
        ["temp.mean", "float"],
        ["temp.count", "integer"],
    ]
    assert windows[begin - 4_000]["rows"] == [["a", 20.5, 1]]
    assert windows[begin - 4_000]["final"] is True
    assert windows[now + 1_000]["rows"] == [["b", 7.0, 1]]
    assert set(windows) >= set(range(min(windows), now + 1_000, 1_000))


def test_a_query_of_ones_own_and_a_narrowed_stream(hub: HubProcess, client: Client) -> None:
    begin = last_second()
    write(hub, "a", 1.0, begin - 2_500)
    write(hub, "b", 2.0, begin - 2_400)
    client.watch("q", query=QUERY, history="1m")
    client.watch("n", stream="weather", where={"site": "b"}, history="1m")
    client.until(lambda: client.windows("q").get(begin - 2_000) and client.windows("n").get(begin - 2_000))
    assert client.windows("q")[begin - 2_000]["rows"] == [[3.0]]
    assert client.windows("n")[begin - 2_000]["rows"] == [["b", 2.0, 1]]


def test_a_late_point_corrects_a_final_window(hub: HubProcess, client: Client) -> None:
    client.watch("w", stream="weather", history="1m")
    stop = client.until(lambda: [event["final_until"] for event in client.events("progress", "w")])[-1]
    write(hub, "a", 9.0, stop - 500)
    client.until(lambda: client.windows("w").get(stop, {}).get("rows"))
    window = client.windows("w")[stop]
    assert (window["rows"], window["final"]) == ([["a", 9.0, 1]], True)
    assert window["revision"] > 0


def test_a_window_is_explained_and_one_that_there_is_not_is_refused(hub: HubProcess, client: Client) -> None:
    begin = last_second()
    write(hub, "a", 3.0, begin - 1_500)
    client.watch("w", stream="weather", history="1m")
    client.until(lambda: client.windows("w").get(begin - 1_000))
    client.explain("w", begin - 1_000)
    client.until(lambda: client.events("explained", "w"))
    told = client.events("explained", "w")[0]
    assert (told["stop"], told["points"], told["rows"]) == (begin - 1_000, 1, [["a", 3.0, 1]])
    client.explain("w", begin - 1_001)
    client.until(lambda: client.events("refused", "w"))
    assert client.events("refused", "w")[0]["code"] == "invalid_query"
    client.until(lambda: max(client.windows("w")) > begin + 2_000)


def test_after_a_restart_of_the_hub_it_goes_on_without_a_hole_and_with_what_was_corrected(
    hub: HubProcess, client: Client
) -> None:
    client.watch("w", stream="weather", history="1m")
    final = client.until(lambda: [event["final_until"] for event in client.events("progress", "w")])[-1]
    before = max(client.windows("w"))
    hub.stop()
    client.until(lambda: client.events("setback"))
    hub.start()
    hub.wait()
    write(hub, "late", 5.0, final - 500)
    write(hub, "a", 6.0, before + 500)
    client.until(lambda: client.windows("w").get(before + 1_000, {}).get("rows"))
    client.until(lambda: client.windows("w")[final]["rows"])
    client.until(lambda: max(client.windows("w")) > before + 2_000)
    windows = client.windows("w")
    assert windows[before + 1_000]["rows"] == [["a", 6.0, 1]]
    assert windows[final]["rows"] == [["late", 5.0, 1]]
    assert set(windows) >= set(range(min(windows), max(windows), 1_000))


def test_what_will_never_be_granted_is_given_up_with_its_code(hub: HubProcess, client: Client) -> None:
    client.watch("u", stream="wether")
    client.watch("i", query={"measurement": "m", "select": {}, "every": "1s"})
    client.watch("w", stream="weather")
    client.until(lambda: client.events("refused", "u") and client.events("refused", "i") and client.windows("w"))
    assert client.events("refused", "u")[0]["code"] == "unknown_stream"
    assert client.events("refused", "i")[0]["code"] == "invalid_query"


def test_what_is_ended_says_no_more(hub: HubProcess, client: Client) -> None:
    client.watch("w", stream="weather")
    client.watch("q", query=QUERY)
    client.until(lambda: client.windows("w") and client.windows("q"))
    client.end("q")
    marked = len(client.windows("w"))
    client.until(lambda: len(client.windows("w")) >= marked + 1)
    told = len(client.windows("q"))
    client.until(lambda: len(client.windows("w")) >= marked + 3)
    assert len(client.windows("q")) == told


def test_a_token_opens_what_it_may_read_and_without_one_the_client_says_so(language: str, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(STREAMS)
    tokens = ("--tokens", str(tmp_path / "tokens.toml"))
    command = [str(COMMAND), "token", "add", "wall", "--read", "weather", *tokens]
    token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    with HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml"), *tokens) as hub:
        with Client(language, hub.url, token) as client:
            client.watch("w", stream="weather")
            client.watch("q", query={**QUERY, "measurement": "secret"})
            client.until(lambda: client.windows("w") and client.events("refused", "q"))
        with Client(language, hub.url, "wrong") as client:
            client.watch("w", stream="weather")
            client.until(lambda: client.events("denied"))
