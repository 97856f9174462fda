"""The story of the contract's examples, told in the present."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from hub.auth import Grants
from hub.contract.examples import BEGIN, CONFIGURATION, VARYING
from hub.contract.refusals import TOKEN
from hub.settings import Settings
from hub.tokens import change, hash_of, with_token

_OF_THE_STORY = re.compile(r"\b17672256\d\d(\d{3})?\b")
_MILLISECONDS = re.compile(r"\b\d{13}\b")


class Present:
    """Moves the story to the present, and what a hub says of it back."""

    def __init__(self, begin: int | None = None) -> None:
        """`begin` is when it begins now, in milliseconds since the epoch; a minute ago unless given."""
        self._offset = (int(time.time() * 1_000) // 10_000 * 10_000 - 60_000 if begin is None else begin) - BEGIN

    def forth(self, text: str) -> str:
        """A text whose times are the story's."""
        return _OF_THE_STORY.sub(lambda found: str(self._moved(found[0])), text)

    def back(self, text: str) -> str:
        """A text whose times are of the present."""
        return _MILLISECONDS.sub(lambda found: str(int(found[0]) - self._offset), text)

    def _moved(self, digits: str) -> int:
        return int(digits) + (self._offset if len(digits) == 13 else self._offset // 1_000)


def comparable(value: Any) -> Any:
    """What is the same at each run: of keys that vary only what kind of value they have."""
    if isinstance(value, list):
        return [comparable(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: type(part).__name__ if key in VARYING else comparable(part) for key, part in value.items()}


def settings(folder: Path) -> Settings:
    """Of a hub with the story's stream."""
    (folder / "hub.toml").write_text(CONFIGURATION)
    return Settings(store="duckdb::memory:", data_folder=str(folder), config=str(folder / "hub.toml"))


def locked(folder: Path) -> Settings:
    """Of a hub with the story's stream and the token of its refusals."""
    grants = Grants(read=("weather",))
    change(folder / "tokens.toml", lambda text: with_token(text, "wall", hash_of(TOKEN), grants, None))
    return replace(settings(folder), tokens=str(folder / "tokens.toml"))


def check_schema(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> None:
    """A ValidationError says what is wrong."""
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def decoded(text: str, media_type: str) -> Any:
    """The body of an answer as the examples have it."""
    if not text:
        return None
    return json.loads(text) if media_type.startswith("application/json") else text
