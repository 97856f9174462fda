"""What a token makes of a frame's points."""

from hub.auth import EVERYTHING, Grants
from hub.permits import Permit, permit_of
from streams.formats.line import scan

NOW = 1_700_000_000_000_000_000


def test_points_that_may_not_be_written_are_named_and_the_others_are_stamped() -> None:
    permit = Permit(Grants(write=("weather*", "x"), tags=(("tenant", "a"),)))
    batch, rejects = permit.admit(scan(b"weather v=1 1\nother v=2 2\nweather_2,tenant=b v=3 3\nx v=4 4", now=NOW), NOW)
    assert list(batch.lines) == [b"weather,tenant=a v=1 1", b"x,tenant=a v=4 4"]
    assert [reject[:2] for reject in rejects] == [(2, "forbidden"), (3, "stamped_tag")]
    assert rejects[0].message == "the token may not write 'other'; it may write weather*, x"


def test_who_may_write_everything_has_the_scan_as_it_came() -> None:
    found = scan(b"m v=1 1", now=NOW)
    assert permit_of(EVERYTHING).admit(found, NOW) is found


def test_who_may_write_nothing_writes_nothing() -> None:
    batch, rejects = permit_of(Grants(read=("*",))).admit(scan(b"m v=1 1\nm v=2 2", now=NOW), NOW)
    assert (len(batch), len(rejects)) == (0, 2)
    assert "it may write nothing" in rejects[0].message
