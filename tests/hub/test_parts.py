"""What a hub is made of: its stream definitions, and the kinds of fields, asked for once."""

import asyncio
from pathlib import Path

import pytest

from hub.parts import KINDS_PATIENCE_SECONDS, KINDS_SECONDS, Kinds, load_streams
from hub.settings import Settings
from streams.errors import DefinitionInvalid, StoreUnavailable
from streams.points import Kind
from streams.queries import Conditions
from streams.stores.base import MeasurementSchema
from streams.stores.duckdb import DuckDBStore
from tests.streams.simulation import simulate


class Asked(DuckDBStore):
    """A store whose schema can be slow or absent, and that notes how often it was asked."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked = 0
        self.takes = 0.1
        self.is_away = False

    async def schema(self, measurement: str, where: Conditions = ()) -> MeasurementSchema:
        self.asked += 1
        await asyncio.sleep(self.takes)
        if self.is_away:
            raise StoreUnavailable("away")
        return MeasurementSchema({"a": frozenset({Kind.FLOAT}), "b": frozenset({Kind.FLOAT, Kind.STRING})}, frozenset())


def test_many_subscribers_ask_the_store_once() -> None:
    async def scenario() -> None:
        store = Asked()
        kinds = Kinds(store)
        answers = await asyncio.gather(*[kinds.of("m") for _ in range(100)])
        assert answers == [{"a": Kind.FLOAT}] * 100
        assert store.asked == 1
        await asyncio.sleep(KINDS_SECONDS)
        await kinds.of("m")
        assert store.asked == 2

    simulate(scenario)


def test_kinds_are_unknown_while_the_store_is_away_or_slow() -> None:
    async def scenario() -> None:
        store = Asked()
        kinds = Kinds(store)
        store.is_away = True
        assert await kinds.of("m") == {}
        store.is_away, store.takes = False, 60
        began = asyncio.get_running_loop().time()
        assert await kinds.of("n") == {}
        assert asyncio.get_running_loop().time() - began == pytest.approx(KINDS_PATIENCE_SECONDS)

    simulate(scenario)


def test_one_subscriber_who_goes_does_not_take_the_answer_from_the_others() -> None:
    async def scenario() -> None:
        kinds = Kinds(Asked())
        gone = asyncio.create_task(kinds.of("m"))
        await asyncio.sleep(0.05)
        gone.cancel()
        assert await kinds.of("m") == {"a": Kind.FLOAT}

    simulate(scenario)


def test_streams_and_settings_stand_in_one_file(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text('[hub]\nport = 1\n[streams.w]\nmeasurement = "w"\nselect = {t = ["mean"]}\nevery = "10s"\n')
    streams = load_streams(Settings(config=str(config)))
    assert {name: query.every_ms for name, query in streams.items()} == {"w": 10_000}
    assert load_streams(Settings()) == {}
    config.write_text("[tokens.a]\n")
    with pytest.raises(DefinitionInvalid, match=r"hub.toml:1: tokens: there is no such key"):
        load_streams(Settings(config=str(config)))
