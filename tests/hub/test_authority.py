"""Whom a hub knows, and that it hears of a change while it runs; time is simulated, the files are real."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import jwt
import pytest

from hub.auth import Grants, Unauthenticated
from hub.authority import LOOK_SECONDS, Authority, Identity
from hub.codes import SessionOver
from hub.settings import SettingInvalid, Settings
from hub.tokens import change, hash_of, with_token, without_token
from tests.streams.simulation import BEGIN, SimulatedClock, simulate

READS = Grants(read=("weather",))


async def at_once(read: Callable[[], bool]) -> bool:
    """Threads know no simulated time."""
    return read()


class World:
    """An authority at work, and the file that it looks at."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "tokens.toml"
        self.clock = SimulatedClock()
        self.add("a")
        self.authority = Authority(Settings(tokens=str(self.file)), self.clock, at_once)
        self.told: list[str] = []

    def add(self, name: str, grants: Grants = READS, expires_in_ms: int | None = None) -> None:
        """A token that reads as its name does."""
        expires = None if expires_in_ms is None else BEGIN + expires_in_ms
        self.edit(lambda text: with_token(text, name, hash_of(name), grants, expires))

    def remove(self, name: str) -> None:
        self.edit(lambda text: without_token(text, name))

    def edit(self, by: Callable[[str], str]) -> None:
        change(self.file, by)

    def connect(self, token: str) -> Identity:
        identity = self.authority.identify(self.authority.principal(token))
        identity.on_end = self.told.append
        identity.on_change.append(lambda: self.told.append("changed"))
        return identity

    async def look(self) -> None:
        """Until the authority has looked at its file."""
        await self.clock.sleep(int(LOOK_SECONDS * 1_000) + 100)


def play(folder: Path, scenario: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        world = World(folder)
        working = asyncio.create_task(world.authority.run())
        try:
            await scenario(world)
        finally:
            working.cancel()

    simulate(run)


def test_a_token_is_known_or_not(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert world.authority.principal("a").grants == READS
        for token in ("b", "", "a ", "sha256:" + "0" * 64, None, hash_of("a")):
            with pytest.raises(Unauthenticated):
                world.authority.principal(token)

    play(tmp_path, scenario)


def test_without_files_everybody_may_do_everything() -> None:
    authority = Authority(Settings(), SimulatedClock())
    assert authority.is_open
    assert authority.principal(None).grants.admin
    assert authority.principal("whatever").grants.may_write("m")


def test_what_cannot_be_read_at_the_start_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[tokens")
    with pytest.raises(SettingInvalid, match="is not TOML"):
        Authority(Settings(tokens=str(tmp_path / "broken.toml")), SimulatedClock())
    keys = str(tmp_path / "none.pem")
    settings = Settings(jwt_keys=keys, jwt_algorithm="ES256", jwt_issuer="i", jwt_audience="a")
    with pytest.raises(SettingInvalid, match=r"jwt_keys: .*none.pem cannot be read"):
        Authority(settings, SimulatedClock())


def test_a_new_token_works_soon(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.add("b")
        await world.look()
        assert world.authority.principal("b").name == "b"

    play(tmp_path, scenario)


def test_a_revoked_token_ends_its_connections(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.add("b")
        await world.look()
        a, b = world.connect("a"), world.connect("b")
        world.remove("a")
        await world.look()
        assert world.told == ["the token was revoked"]
        with pytest.raises(SessionOver):
            _ = a.grants
        assert b.grants == READS

    play(tmp_path, scenario)


def test_other_grants_hold_at_once_for_what_is_connected(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        identity = world.connect("a")
        world.edit(lambda text: text.replace('read = ["weather"]', 'read = ["other"]'))
        await world.look()
        assert world.told == ["changed"]
        assert identity.grants.read == ("other",)

    play(tmp_path, scenario)


def test_keys_are_rotated_while_the_hub_runs(tmp_path: Path) -> None:
    first, second = b"1" * 32, b"2" * 32
    (tmp_path / "keys").write_bytes(first)

    def token(secret: bytes) -> str:
        expires = time.time_ns() // 10**9 + 3_600  # the library asks the real clock
        return jwt.encode({"iss": "i", "aud": "a", "exp": expires, "sub": "s", "read": ["weather"]}, secret, "HS256")

    async def scenario(world: World) -> None:
        settings = Settings(jwt_keys=str(tmp_path / "keys"), jwt_algorithm="HS256", jwt_issuer="i", jwt_audience="a")
        world.authority = Authority(settings, world.clock, at_once)
        working = asyncio.create_task(world.authority.run())
        identity = world.connect(token(first))
        assert identity.grants == READS
        (tmp_path / "keys").write_bytes(second + b"\n")
        await world.look()
        assert world.authority.principal(token(second)).name == "jwt:s"
        with pytest.raises(Unauthenticated):
            world.authority.principal(token(first))
        assert world.told == ["the token was revoked"]
        identity.forget()
        working.cancel()

    play(tmp_path, scenario)


def test_a_broken_file_changes_nothing_until_it_is_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(world: World) -> None:
        identity = world.connect("a")
        good = world.file.read_text()
        for broken in ("[tokens", None):
            if broken is None:
                os.unlink(world.file)
            else:
                world.file.write_text(broken)
            for _ in range(3):
                await world.look()
            assert identity.grants == READS
            assert world.authority.principal("a").grants == READS
        assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
        world.file.write_text(good)
        world.remove("a")
        await world.look()
        assert world.told == ["the token was revoked"]

    play(tmp_path, scenario)


def test_a_connection_ends_when_its_token_expires(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.add("b", expires_in_ms=200_000)
        await world.look()
        identity = world.connect("b")
        await world.clock.sleep(190_000)
        assert identity.grants == READS
        assert world.told == []
        await world.clock.sleep(10_000)
        assert world.told == ["the token has expired"]
        with pytest.raises(SessionOver, match="the token has expired"):
            _ = identity.grants

    play(tmp_path, scenario)


def test_a_token_shown_anew_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.add("b", Grants(read=("b",)), expires_in_ms=5_000)
        world.add("c", Grants(read=("b",)), expires_in_ms=10_000)
        await world.look()
        identity = world.connect("b")
        identity.show("c")
        await world.clock.sleep(6_000)
        assert identity.grants.read == ("b",)
        with pytest.raises(SessionOver, match="not known here"):
            identity.show("nobody's")
        await world.clock.sleep(4_000)
        assert world.told == ["changed", "the token has expired"]

    play(tmp_path, scenario)


def test_who_has_gone_is_told_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.add("b", expires_in_ms=5_000)
        await world.look()
        for token in ("a", "b"):
            world.authority.forget(world.connect(token))
        world.remove("a")
        await world.clock.sleep(10_000)
        assert world.told == []

    play(tmp_path, scenario)
