"""The file of tokens: what is read of it, what is said of a broken one, and how it is changed."""

import stat
import threading
from pathlib import Path

import pytest

from hub.auth import Grants
from hub.settings import SettingInvalid
from hub.tokens import change, hash_of, new_token, parse_tokens, read_tokens, with_token, without_token

HASH = "sha256:" + "0" * 64
TABLE = f"""\
# ours
[tokens.roof]
hash = "{HASH}"     # of the one on the roof
write = ["weather*"]
read = ["weather"]
tags = {{ tenant = "a" }}
backfill = true
expires = 2030-01-01T00:00:00Z
"""


def test_a_file_says_who_may_what() -> None:
    (principal,) = parse_tokens(TABLE, "tokens.toml").values()
    assert principal.name == "roof"
    assert principal.grants == Grants(("weather*",), ("weather",), (("tenant", "a"),), backfill=True)
    assert (principal.credential, principal.expires) == (HASH, 1_893_456_000_000)


def test_a_token_is_known_by_its_hash_alone() -> None:
    first, second = new_token(), new_token()
    assert first != second
    assert len(first) > 40
    assert first.startswith("pxl_")
    assert hash_of(first) != hash_of(second)
    assert first not in hash_of(first)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[tokens", "t.toml is not TOML: "),
        ("[hub]\nport = 1", "t.toml: expected nothing but tables [tokens.NAME]"),
        ("tokens = 1", "t.toml: expected nothing but tables [tokens.NAME]"),
        ("[tokens]\na = 1", "t.toml: [tokens.a] expected a table"),
        ("[tokens.a]", "t.toml: [tokens.a] hash: expected sha256:"),
        ('[tokens.a]\nhash = "md5:0"', "t.toml: [tokens.a] hash: expected sha256:"),
        (f'[tokens.a]\nhash = "{HASH}"\nwrites = []', "t.toml: [tokens.a] there is no 'writes'; did you mean write?"),
        (f'[tokens.a]\nhash = "{HASH}"\nread = 1', "t.toml: [tokens.a] read: expected a list"),
        (f'[tokens.a]\nhash = "{HASH}"\nexpires = 2030-01-01', "t.toml: [tokens.a] expires: expected a time"),
        (f'[tokens.a]\nhash = "{HASH}"\nexpires = 2030-01-01T00:00:00', "t.toml: [tokens.a] expires: expected a time"),
        (f'[tokens."a b"]\nhash = "{HASH}"', "t.toml: [tokens.a b] 'a b' is no name"),
        (f'[tokens.a]\nhash = "{HASH}"\n[tokens.b]\nhash = "{HASH}"', "t.toml: b and a have the same hash"),
    ],
)
def test_a_broken_file_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        parse_tokens(text, "t.toml")
    assert str(caught.value).startswith(sentence)


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"there is no file .*: pxl-hub token add NAME --tokens"):
        read_tokens(tmp_path / "none.toml")


def test_a_token_more_and_one_less_leave_the_rest_as_it_was() -> None:
    other = "sha256:" + "1" * 64
    grants = Grants(("m*",), (), (("the tenant", 'a"b'),), admin=True)
    more = with_token(TABLE, "wall", other, grants, 1_893_456_000_000)
    assert more.startswith(TABLE)
    roof, wall = parse_tokens(more, "").values()
    assert (wall.name, wall.grants, wall.credential, wall.expires) == ("wall", grants, other, roof.expires)
    assert parse_tokens(without_token(more, "wall"), "") == {HASH: roof}
    assert "# of the one on the roof" in without_token(more, "wall")
    with pytest.raises(ValueError, match="there is a token 'roof' already"):
        with_token(TABLE, "roof", other, grants, None)
    with pytest.raises(ValueError, match="there is no token 'wall'; there are roof"):
        without_token(TABLE, "wall")


def test_a_changed_file_is_its_owners_alone_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    change(path, lambda text: text + TABLE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SettingInvalid):
        change(path, lambda _: "[tokens")
    assert path.read_text() == TABLE
    assert [file.name for file in tmp_path.iterdir()] == ["tokens.toml"]


def test_changes_at_once_all_count(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"

    def add(number: int) -> None:
        change(path, lambda text: with_token(text, f"t{number}", hash_of(str(number)), Grants(("m",)), None))

    threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(principal.name for principal in read_tokens(path).values()) == [f"t{n}" for n in range(8)]
