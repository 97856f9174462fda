"""A query as one writes it at a prompt: `weather temp:mean,p95 where site=s1 by dev 10s last 1h`. Pure.

    MEASUREMENT FIELD:AGGREGATE,… … [where TAG=VALUE,… …] [by TAG,…] EVERY [window LONGER] [last LONG]
    STREAM [where TAG=VALUE,… …] [last LONG]

What has blanks, or `, : =` or quotes in it, or is one of the words `where and by every window last`, is quoted:
`"New York"`, in which a backslash makes the next character ordinary. `TAG=` asks for series without the tag.

The page reads the same language with hub/dashboard/model/query_text.ts; tests/hub/query_texts.json has what both are
held to.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from streams.aggregates import TABLE, parse_aggregate
from streams.durations import parse_duration
from streams.errors import QueryInvalid
from streams.queries import parse_query

CLAUSES = ("where", "by", "every", "window", "last")
WORDS = (*CLAUSES, "and")
EXAMPLE = "weather temp:mean,p95 by site 10s last 1h"

_TOKEN = re.compile(r'(?P<blank>\s+)|(?P<sign>[,:=])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,:="]+)', re.DOTALL)
_PLAIN = re.compile(r'[^\s,:="]+')
_AGGREGATES = [name for name in TABLE if name != "percentile"]
_SYNONYMS = {"avg": "mean", "average": "mean", "maximum": "max", "minimum": "min", "total": "sum", "std": "stddev"}


class QueryTextWrong(ValueError):
    """A query that cannot be read; `start` and `end` are where in the text, `str` says why."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end

    def pointing(self, text: str) -> str:
        """The sentence, the text, and marks under the words that are wrong."""
        marks = " " * self.start + "^" * max(1, self.end - self.start)
        return f"{self}\n  {' '.join(text.split(chr(10)))}\n  {marks}"


class Asked(NamedTuple):
    """What is asked: a `query` as the protocol has it or a `stream`; how much of the past."""

    query: dict[str, Any] | None
    stream: str | None
    where: dict[str, list[str | None]]
    history: str | None

    def request(self) -> dict[str, Any]:
        """The body of `POST /v1/query`."""
        body: dict[str, Any] = {"stream": self.stream} if self.query is None else {"query": self.query}
        if self.where:
            body["where"] = self.where
        return body if self.history is None else {**body, "history": self.history}


class _Token(NamedTuple):
    """A name or a sign, and where it stands; `word` is its text if it is a name without quotes, `sign` if one."""

    value: str
    start: int
    end: int
    word: str | None = None
    sign: str | None = None


def parse_query_text(text: str) -> Asked:
    """What the text asks. QueryTextWrong says where it is wrong, and what was expected."""
    return _Parser(text).parse()


def spell_query(asked: Asked) -> str:
    """A text that asks this."""
    parts = [_spelled(asked.stream or "")]
    where = dict(asked.where)
    if asked.query is not None:
        parts = [_spelled(asked.query["measurement"])]
        parts += [f"{_spelled(name)}:{','.join(names)}" for name, names in asked.query["select"].items()]
    if where:
        conditions = (
            f"{_spelled(tag)}={','.join(_spelled(value) if value else '' for value in values)}"
            for tag, values in where.items()
        )
        parts += ["where", " and ".join(conditions)]
    if asked.query is not None:
        if asked.query["group_by"]:
            parts += ["by", ",".join(map(_spelled, asked.query["group_by"]))]
        parts.append(asked.query["every"])
        if "window" in asked.query:
            parts += ["window", asked.query["window"]]
    return " ".join([*parts, *(["last", asked.history] if asked.history else [])])


def _spelled(name: str) -> str:
    if _PLAIN.fullmatch(name) and name not in WORDS and not _is_duration(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise QueryTextWrong("a quote is opened and not closed", position, len(text))
        position = found.end()
        if bare := found["bare"]:
            tokens.append(_Token(bare, *found.span(), word=bare))
        elif sign := found["sign"]:
            tokens.append(_Token(sign, *found.span(), sign=sign))
        elif (quoted := found["quoted"]) is not None:
            tokens.append(_Token(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL), *found.span()))
    return tokens


class _Parser:
    """Reads the tokens from left to right; `_places` remembers where each key of the query was said."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._places: dict[str, tuple[int, int]] = {}
        self._select: dict[str, list[str]] = {}
        self._where: dict[str, list[str | None]] = {}
        self._group_by: list[str] = []
        self._durations: dict[str, str] = {}

    def parse(self) -> Asked:
        name = self._name("the name of a measurement or of a stream")
        self._places["measurement"] = name.start, name.end
        while (token := self._peek()) is not None:
            self._clause(token)
        history = self._durations.get("last")
        if not self._select:
            self._refuse_for_stream(name)
            return Asked(None, name.value, self._where, history)
        if "every" not in self._durations:
            self._wrong("how long is a window? Say so after the fields, as in `10s`", len(self._text.rstrip()))
        query = {"measurement": name.value, "select": self._select, "group_by": self._group_by}
        query |= {key: self._durations[key] for key in ("every", "window") if key in self._durations}
        self._check(query)
        return Asked(query, None, self._where, history)

    # Clauses

    def _clause(self, token: _Token) -> None:
        after = self._tokens[self._next + 1] if self._next + 1 < len(self._tokens) else None
        if after and after.sign == ":":
            self._field()
        elif token.word in CLAUSES:
            self._next += 1
            match token.word:
                case "where":
                    self._conditions(token)
                case "by":
                    self._groups(token)
                case key:
                    self._duration(key, token)
        elif token.word and token.word[0].isdigit():
            self._duration("every", token)
        else:
            self._unexpected(token)

    def _field(self) -> None:
        field = self._name("the name of a field")
        if field.value in self._select:
            self._wrong(f"field {field.value!r} is named twice; list its aggregates once", field.start, field.end)
        self._next += 1
        names = []
        expected = f"an aggregate of {field.value}, as in {_spelled(field.value)}:mean"
        for token in self._list(expected, words=("last",)):
            try:
                names.append(parse_aggregate(token.value).name)
            except ValueError as error:
                near = difflib.get_close_matches(token.value, [*_AGGREGATES, *_SYNONYMS], 1)
                meant = _SYNONYMS.get(near[0], near[0]) if near else None
                hint = f"{token.value!r} is no aggregate; did you mean {meant}?" if meant else str(error)
                self._wrong(hint, token.start, token.end)
            if names.count(names[-1]) > 1:
                self._wrong(f"{names[-1]} is asked for twice", token.start, token.end)
        self._select[field.value] = names
        self._places[f"select.{field.value}"] = field.start, self._tokens[self._next - 1].end

    def _conditions(self, where: _Token) -> None:
        if self._where:
            self._wrong("where is given twice; go on with `and`", where.start, where.end)
        while True:
            tag = self._name("a tag and its value, as in site=s1")
            if (sign := self._peek()) is None or sign.sign != "=":
                self._wrong(f"which value of {tag.value}? Write {_spelled(tag.value)}=…", tag.start, tag.end)
            if tag.value in self._where:
                self._wrong(f"tag {tag.value!r} is named twice; list its values once", tag.start, tag.end)
            self._next += 1
            self._where[tag.value] = self._values(sign.end)
            if (following := self._peek()) is None or following.word != "and":
                return
            self._next += 1

    def _values(self, end: int) -> list[str | None]:
        """The values after an equals sign that ends there: without blanks between, or else there are none."""
        values: list[str | None] = [None]
        while (token := self._peek()) is not None and token.start == end and token.sign in (None, ","):
            self._next += 1
            end = token.end
            if token.sign:
                values.append(None)
            elif values[-1] is None:
                values[-1] = token.value or None
            else:
                self._unexpected(token)
        return values

    def _groups(self, by: _Token) -> None:
        if self._group_by:
            self._wrong("by is given twice; list its tags once", by.start, by.end)
        for token in self._list("a tag to group by, as in `by site`"):
            if token.word and _is_duration(token.word):
                self._wrong(f"expected a tag to group by, not the duration {token.value}", token.start, token.end)
            if token.value in self._group_by:
                self._wrong(f"tag {token.value!r} is named twice", token.start, token.end)
            self._group_by.append(token.value)
        self._places["by"] = by.start, self._tokens[self._next - 1].end

    def _duration(self, key: str, token: _Token) -> None:
        if key in self._durations:
            self._wrong(f"{key} is given twice", token.start, token.end)
        given = self._name(f"a duration, as in `{key} 10s`")
        try:
            duration = parse_duration(given.value)
        except ValueError as error:
            self._wrong(str(error), given.start, given.end)
        if duration == 0:
            self._wrong(f"{given.value!r} is not a duration that anything can have", given.start, given.end)
        self._durations[key] = given.value
        self._places[key] = given.start, given.end

    # Tokens

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _name(self, expected: str, words: Sequence[str] = ()) -> _Token:
        """The next token, which has to be a name, and no word of the language but for these."""
        token = self._peek()
        if token is None:
            self._wrong(f"something is missing here: {expected}", len(self._text.rstrip()))
        if token.sign or (token.word in WORDS and token.word not in words) or not token.value:
            quote = f'; a name like this is written in quotes, "{token.value}"' if token.word else ""
            self._wrong(f"expected {expected}, not {token.value!r}{quote}", token.start, token.end)
        self._next += 1
        return token

    def _list(self, expected: str, words: Sequence[str] = ()) -> Iterator[_Token]:
        yield self._name(expected, words)
        while (comma := self._peek()) is not None and comma.sign == ",":
            self._next += 1
            yield self._name(expected, words)

    # Mistakes

    def _unexpected(self, token: _Token) -> NoReturn:
        near = difflib.get_close_matches(token.word, WORDS, 1, 0.5) if token.word else []
        if near:
            self._wrong(f"{token.value!r} is not understood here; did you mean {near[0]}?", token.start, token.end)
        hint = f": of a field, name the aggregates, as in {_spelled(token.value)}:mean" if not token.sign else ""
        self._wrong(f"{token.value!r} is not understood here{hint}", token.start, token.end)

    def _refuse_for_stream(self, name: _Token) -> None:
        for key in ("every", "window", "by"):
            if key in self._places:
                self._wrong(
                    f"{name.value!r} without fields is a stream, which has windows and groups of its own; to ask a"
                    f" measurement, name fields and aggregates, as in {_spelled(name.value)} temp:mean",
                    *self._places[key],
                )

    def _check(self, query: Mapping[str, Any]) -> None:
        try:
            parse_query(**query, where=self._where)
        except QueryInvalid as error:
            key = str(error).partition(":")[0]
            self._wrong(str(error), *self._places.get(key, (0, len(self._text))))

    def _wrong(self, message: str, start: int, end: int | None = None) -> NoReturn:
        raise QueryTextWrong(" ".join(message.splitlines()), start, start + 1 if end is None else end)
