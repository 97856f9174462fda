"""How fast messages and requests may come: so many a second, a burst after a pause, and no more."""

from hub import rates
from hub.rates import Rate, RatesOfAddresses


def test_as_many_as_a_second_has_come_at_once_and_then_at_the_pace() -> None:
    rate = Rate(2, now=0.0)
    assert [rate.allows(0.0) for _ in range(3)] == [True, True, False]
    assert [rate.allows(now) for now in (0.4, 0.5, 0.6, 1.1)] == [False, True, False, True]
    assert [rate.allows(100.0) for _ in range(3)] == [True, True, False]


def test_without_a_limit_anything_goes() -> None:
    rate = Rate(0, now=0.0)
    assert all(rate.allows(0.0) for _ in range(1_000))


def test_each_address_has_a_pace_of_its_own_and_this_machine_none() -> None:
    addresses = RatesOfAddresses(1, loopback=False)
    assert [addresses.allows("10.0.0.1", 0.0), addresses.allows("10.0.0.2", 0.0)] == [True, True]
    assert not addresses.allows("10.0.0.1", 0.5)
    assert all(addresses.allows("127.0.0.1", 0.0) for _ in range(100))
    strict = RatesOfAddresses(1, loopback=True)
    assert [strict.allows("::1", 0.0), strict.allows("::1", 0.0)] == [True, False]


def test_addresses_do_not_pile_up() -> None:
    addresses = RatesOfAddresses(1, loopback=False)
    for number in range(rates.MOST_REMEMBERED + 10):
        addresses.allows(f"10.{number}", 0.0)
    assert addresses.allows("10.1", 0.0)
    assert not addresses.allows(f"10.{rates.MOST_REMEMBERED}", 0.0)
