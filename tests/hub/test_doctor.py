"""What each check of the doctor finds, and what it says to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from hub.auth import Grants
from hub.doctor import State, access, clock, open_files, space
from hub.settings import Settings
from hub.tokens import change, hash_of, with_token

NOW = 1_700_000_000_000
GIB = 2**30


@pytest.mark.parametrize(
    ("theirs", "state", "says"),
    [
        (1_000, State.OK, "to the second"),
        (999, State.OK, "to the second"),
        (1_002, State.OK, "to the second"),
        (1_004, State.WARNING, "3 s behind the store's"),
        (990, State.WARNING, "9 s ahead of the store's"),
        (1_400, State.FAILURE, "399 s behind the store's"),
    ],
)
def test_the_clock_is_held_against_the_stores(theirs: float, state: State, says: str) -> None:
    found = clock(theirs, before=1_000.2, after=1_000.6, most=300)
    assert found.state is state
    assert says in found.message
    assert ("timedatectl" in found.remedy) == (state is not State.OK)


@pytest.mark.parametrize(("limit", "state"), [(65_536, State.OK), (4_096, State.WARNING), (256, State.FAILURE)])
def test_every_connection_needs_a_file(limit: int, state: State) -> None:
    found = open_files(20_000, limit)
    assert found.state is state
    assert ("ulimit -n 32768" in found.remedy) == (state is not State.OK)


def test_the_spool_needs_room(tmp_path: Path) -> None:
    settings = Settings(store="influxdb:http://127.0.0.1:8086", influx_bucket="b")
    assert space(tmp_path, 2 * GIB, settings).state is State.OK
    found = space(tmp_path, GIB // 2, settings)
    assert (found.state, "spool_bytes" in found.remedy) == (State.WARNING, True)
    assert space(tmp_path, GIB // 2, replace(settings, store="duckdb")).state is State.OK


def tokens(folder: Path, **grants: Grants) -> Settings:
    file = folder / "tokens.toml"
    for name, granted in grants.items():
        expires = NOW - 1 if name == "expired" else None
        change(file, lambda text, name=name, granted=granted, expires=expires: with_token(  # type: ignore[misc]
            text, name, hash_of(name), granted, expires
        ))  # fmt: skip
    return Settings(tokens=str(file))


def test_a_hub_without_tokens_is_for_this_machine_alone() -> None:
    [found, _] = access(Settings(), NOW)
    assert (found.state, "only this machine" in found.message) == (State.OK, True)
    [found, _] = access(Settings(host="0.0.0.0"), NOW)
    assert (found.state, "pxl-hub token add" in found.remedy) == (State.FAILURE, True)


def test_tokens_are_counted_and_have_to_be_valid(tmp_path: Path) -> None:
    [found, _] = access(tokens(tmp_path, expired=Grants(write=("*",))), NOW)
    assert (found.state, "nobody gets in" in found.message) == (State.FAILURE, True)
    [found, _] = access(tokens(tmp_path, roof=Grants(write=("*",))), NOW)
    assert (found.state, "--admin" in found.remedy) == (State.WARNING, True)
    [found, _] = access(tokens(tmp_path, operator=Grants(admin=True)), NOW)
    assert (found.state, found.message) == (State.OK, "2 are valid, 1 have expired")


def test_a_file_of_tokens_that_is_not_there_is_made_by_a_command(tmp_path: Path) -> None:
    [found] = access(Settings(tokens=str(tmp_path / "none.toml")), NOW)
    assert (found.state, "pxl-hub token add" in found.remedy) == (State.FAILURE, True)


@pytest.mark.parametrize(
    ("origins", "state"),
    [
        ((), State.OK),
        (("https://wall.example",), State.OK),
        (("http://localhost:5173", "http://127.0.0.1"), State.OK),
        (("http://wall.example",), State.WARNING),
    ],
)
def test_pages_of_other_sites_come_over_tls(origins: tuple[str, ...], state: State) -> None:
    [_, found] = access(Settings(allowed_origins=origins), NOW)
    assert found.state is state
    assert all(origin in found.message for origin in origins)
