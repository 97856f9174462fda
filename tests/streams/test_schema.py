"""What is known of fields' kinds, and who contradicts it."""

from streams.formats.line import scan
from streams.points import Batch, Kind
from streams.schema import Schema
from streams.stores.base import MeasurementSchema


def points(*lines: str) -> Batch:
    return scan("\n".join(lines).encode(), precision="ns", now=1).batch


def knowing(**fields: set[Kind]) -> Schema:
    schema = Schema()
    schema.load("m", MeasurementSchema({name: frozenset(kinds) for name, kinds in fields.items()}, frozenset()))
    return schema


def test_a_measurement_is_unknown_until_it_is_loaded() -> None:
    schema = Schema()
    assert schema.unknown(points("m f=1", "n f=1")) == {"m", "n"}
    schema.load("m", MeasurementSchema({}, frozenset()))
    assert schema.unknown(points("m f=1", "n f=1")) == {"n"}


def test_a_known_kind_is_held_against_points() -> None:
    schema = knowing(f={Kind.FLOAT})
    conflicts = schema.conflicts(points("m f=1", "m f=1i", "m g=1i"))
    assert {index: reject.code for index, reject in conflicts.items()} == {1: "field_type"}
    assert conflicts[1].line == 2
    assert conflicts[1].message == "field 'f' of measurement 'm' is float, not integer"


def test_the_first_point_of_a_batch_decides_for_a_new_field() -> None:
    assert sorted(knowing().conflicts(points("m f=1", 'm f="a"', "m f=2", "m f=true"))) == [1, 3]


def test_a_rejected_point_decides_nothing() -> None:
    schema = knowing(f={Kind.FLOAT})
    assert sorted(schema.conflicts(points("m f=1i,g=1i", "m g=1"))) == [0]


def test_where_shards_disagree_the_store_is_the_judge() -> None:
    schema = knowing(f={Kind.FLOAT, Kind.INTEGER})
    assert schema.conflicts(points("m f=1", "m f=1i", "m f=true")) == {}
    assert schema.kind("m", "f") is None


def test_what_was_stored_is_agreed_until_the_store_says_otherwise() -> None:
    schema, batch = knowing(), points("m f=1", "m f=2,g=1i")
    assert not schema.agrees(batch)
    schema.learn(batch)
    assert schema.agrees(batch)
    assert schema.kind("m", "g") is Kind.INTEGER
    assert not schema.agrees(points("m g=1"))

    schema.load("m", MeasurementSchema({}, frozenset()))
    assert not schema.agrees(batch)
