"""Grants: what they allow, and what is said of those that cannot be meant."""

import base64
from typing import Any

import pytest

from hub.auth import EVERYTHING, Grants, GrantsInvalid, Principal, Unauthenticated, parse_grants, token_of


@pytest.mark.parametrize(
    ("pattern", "name", "allowed"),
    [
        ("weather", "weather", True),
        ("weather", "weather2", False),
        ("weather*", "weather", True),
        ("weather*", "weather_1m", True),
        ("weather*", "the weather", False),
        ("we?ther", "weather", True),
        ("[ab]*", "b1", True),
        ("*", "any\nthing", True),
        ("weather", "weather\n", False),
        ("Weather", "weather", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns_are_those_of_a_shell(pattern: str, name: str, allowed: bool) -> None:
    grants = parse_grants({"write": [pattern], "read": pattern})
    assert (grants.may_write(name), grants.may_read(name)) == (allowed, allowed)


def test_what_is_not_granted_is_not_allowed() -> None:
    grants = parse_grants({})
    assert grants == Grants()
    assert not grants.may_write("m")
    assert not grants.may_read("")
    assert (grants.admin, grants.backfill) == (False, False)
    assert EVERYTHING.may_write("m")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"write": 1}, "write: expected a list of names or patterns"),
        ({"read": ["a", 1]}, "read: expected a list of names or patterns"),
        ({"read": [""]}, "read: expected a list of names or patterns"),
        ({"tags": ["tenant"]}, "tags: expected tags and their values"),
        ({"tags": {"tenant": 1}}, "tags: 'tenant' and its value 1 cannot be a tag"),
        ({"tags": {"tenant": ""}}, "tags: 'tenant' and its value '' cannot be a tag"),
        ({"tags": {"time": "a"}}, "tags: 'time' and its value 'a' cannot be a tag"),
        ({"tags": {"a": "b\\"}}, "tags: 'a' and its value"),
        ({"tags": {"a": "b\nc"}}, "tags: 'a' and its value"),
        ({"tags": {"\ud800": "b"}}, "tags: "),
        ({"admin": "yes"}, "admin: expected true or false, not 'yes'"),
        ({"backfill": 1}, "backfill: expected true or false, not 1"),
    ],
)
def test_a_mistake_is_named(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GrantsInvalid) as caught:
        parse_grants(given)
    assert str(caught.value).startswith(sentence)


def test_tags_may_need_escapes() -> None:
    assert parse_grants({"tags": {"the tenant": "a,b=c d", "a": "ü"}}).tags == (("a", "ü"), ("the tenant", "a,b=c d"))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Token abc", "abc"),
        ("Token user:abc", "abc"),
        ("Bearer a:b", "a:b"),
        (None, None),
    ],
)
def test_a_header_has_a_token(header: str | None, token: str | None) -> None:
    assert token_of(header) == token


def test_a_client_of_influxdb_1_sends_it_as_its_password() -> None:
    header = "Basic " + base64.b64encode(b"user:to:ken").decode()
    assert token_of(header, basic=True) == "to:ken"
    with pytest.raises(Unauthenticated):
        token_of(header)


@pytest.mark.parametrize(
    "header", ["", "abc", "Bearer", "Bearer ", "Digest abc", "Basic ???", "Basic dXNlcg==", "Basic /w=="]
)
def test_a_header_without_one_is_refused_and_not_repeated(header: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        token_of(header, basic=True)
    assert header.partition(" ")[2].strip() == "" or header.partition(" ")[2] not in str(caught.value)


def test_a_principal_ends_when_it_expires() -> None:
    principal = Principal("a", EVERYTHING, "x", expires=1_000)
    principal.check(999)
    with pytest.raises(Unauthenticated, match="has expired"):
        principal.check(1_000)
