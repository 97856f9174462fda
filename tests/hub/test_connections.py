"""Counting connections: each limit says its own code, and a place that is left is free again."""

import pytest

from hub.connections import Connections, Most, TooMany


def refused(connections: Connections, address: str = "10.0.0.1", credential: str | None = None) -> str:
    with pytest.raises(TooMany) as caught:
        connections.enter(address).hold(credential or "")
    return caught.value.code


def test_in_all() -> None:
    connections = Connections(Most(2))
    first = connections.enter("10.0.0.1")
    connections.enter("127.0.0.1")
    assert refused(connections) == "too_many_connections"
    first.leave()
    connections.enter("10.0.0.1")
    assert len(connections) == 2


def test_of_each_address_but_this_machines_own() -> None:
    connections = Connections(Most(100, per_address=1))
    first = connections.enter("10.0.0.1")
    connections.enter("10.0.0.2")
    assert refused(connections) == "too_many_connections_of_address"
    first.leave()
    connections.enter("10.0.0.1")
    for address in ("127.0.0.1", "::1", "127.0.0.1"):
        connections.enter(address)


def test_this_machines_own_too_where_that_is_set() -> None:
    connections = Connections(Most(100, per_address=1, loopback=True))
    connections.enter("127.0.0.1")
    assert refused(connections, "127.0.0.1") == "too_many_connections_of_address"


def test_of_each_token_also_of_one_shown_later() -> None:
    connections = Connections(Most(100, per_token=1))
    first, second = connections.enter("a"), connections.enter("b")
    first.hold("x")
    first.hold("x")
    with pytest.raises(TooMany) as caught:
        second.hold("x")
    assert caught.value.code == "too_many_connections_of_token"
    second.hold("y")
    first.hold("z")
    second.hold("x")
    assert refused(connections, credential="z") == "too_many_connections_of_token"
    first.leave()
    second.leave()
    for credential in "xyz":
        connections.enter("c").hold(credential)
