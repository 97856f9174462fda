"""The catalogue has every code that the hub can send, each once and with a remedy."""

import re
from pathlib import Path

import pytest

from hub.codes import CODES, Close, remedy_of
from streams.errors import StreamsError
from streams.formats.codes import Code as FormatCode

ROOT = Path(__file__).parents[2]


def test_each_code_is_listed_once_with_sentences() -> None:
    names = [code.name for code in CODES]
    assert len(set(names)) == len(names)
    for code in CODES:
        assert code.places
        assert code.meaning.endswith("."), code
        assert code.remedy.endswith("."), code


def test_every_close_code_is_in_the_catalogue() -> None:
    assert {code.name for code in CODES if "close" in code.places} == {str(int(code)) for code in Close}


@pytest.mark.parametrize("code", FormatCode)
def test_every_code_of_the_formats_is_a_reject(code: FormatCode) -> None:
    assert [entry.name for entry in CODES if entry.name == code and "reject" in entry.places] == [code]


def test_every_literal_code_in_the_sources_is_in_the_catalogue() -> None:
    names = {code.name for code in CODES}
    sources = [path.read_text() for folder in ("hub", "streams") for path in (ROOT / folder).rglob("*.py")]
    literals = {name for text in sources for name in re.findall(r'\bcode="(\w+)"', text)}
    literals |= {name for text in sources for name in re.findall(r'\bReject\([^()\n"]*, "(\w+)"', text)}
    assert literals - names == set()
    assert "field_type" in literals


def test_every_error_of_the_domain_that_a_client_may_see_is_in_the_catalogue() -> None:
    told_otherwise = {"invalid_definition": "at the start", "invalid_template": "as the reason of 4400"}
    for error in StreamsError.__subclasses__():
        if error.__module__ == StreamsError.__module__ and error.code not in told_otherwise:
            assert remedy_of(error.code)
