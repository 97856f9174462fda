"""`/openapi.json`: the addresses over HTTP as OpenAPI 3.1."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from msgspec import Struct

from hub.codes import CODES
from hub.contract import security
from hub.contract.endpoints import ENDPOINTS
from hub.contract.examples import EXAMPLES, Example
from hub.contract.refusals import CROWDED, REFUSALS
from hub.contract.schemas import Document, reference, schemas
from hub.contract.shapes import CSV, JSON, Answer, Endpoint, Parameter
from hub.settings import table

DESCRIPTION = """\
Points in, windows of aggregates out. Devices and dashboards speak WebSocket: that is in `/asyncapi.json`. Here is what
`curl`, scripts, InfluxDB's clients, Telegraf and operators ask over HTTP.

Times are integers, milliseconds since the Unix epoch; durations are texts such as `250ms`, `10s`, `5m`, `1h`, `30d`.
Windows are half-open, `[start, stop)`. Every answer from 400 on says what is wrong, and what to do.
"""

_CATALOGUE = {code.name: code for code in CODES}


def openapi() -> Document:
    """The document."""
    paths: dict[str, Document] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PXL Hub over HTTP",
            "version": version("pxl-hub"),
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": group} for group in dict.fromkeys(endpoint.group for endpoint in ENDPOINTS)],
        "paths": paths,
        "components": {"schemas": schemas(_types()), "securitySchemes": security.OPENAPI},
        "x-settings": [
            {"name": row.name, "variable": row.variable, "unit": row.unit, "default": row.default, "help": row.help}
            for row in table()
        ],
    }


def _types() -> list[type[Struct]]:
    contents = [endpoint.body for endpoint in ENDPOINTS]
    contents += [answer.content for endpoint in ENDPOINTS for answer in endpoint.answers.values()]
    return list({of: None for content in contents for of in content.values() if of})


def _operation(endpoint: Endpoint) -> Document:
    examples = [example for example in (*EXAMPLES, *REFUSALS, *CROWDED) if example.endpoint == endpoint.name]
    operation: Document = {
        "operationId": endpoint.name,
        "tags": [endpoint.group],
        "summary": endpoint.summary,
        "security": [] if endpoint.is_open else security.OPTIONAL,
    }
    if endpoint.details:
        operation["description"] = endpoint.details
    if endpoint.parameters:
        operation["parameters"] = [_parameter(parameter, examples) for parameter in endpoint.parameters]
    if endpoint.body:
        bodies = {example.name: _example(example, example.body) for example in examples}
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body, bodies)}
    operation["responses"] = {
        str(status): _response(status, answer, examples) for status, answer in sorted(endpoint.answers.items())
    }
    return operation


def _parameter(parameter: Parameter, examples: list[Example]) -> Document:
    described: Document = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.meaning,
        "required": parameter.place == "path",
        "schema": parameter.schema,
    }
    if parameter.is_where:
        described |= {"style": "form", "explode": True}
    given = {example.name: _example(example, value) for example, value in _given(parameter, examples)}
    return {**described, "examples": given} if given else described


def _given(parameter: Parameter, examples: list[Example]) -> Iterator[tuple[Example, Any]]:
    for example in examples:
        if parameter.is_where:
            where = {name: [value] for name, value in example.parameters.items() if name.startswith("where.")}
            if where:
                yield example, where
        elif parameter.name in example.parameters:
            value = example.parameters[parameter.name]
            yield example, int(value) if parameter.schema["type"] == "integer" else value


def _response(status: int, answer: Answer, examples: list[Example]) -> Document:
    codes = [f"- `{name}`: {_CATALOGUE[name].meaning} {_CATALOGUE[name].remedy}" for name in answer.codes]
    described: Document = {"description": "\n".join([answer.meaning, *codes])}
    if answer.headers:
        described["headers"] = {
            name: {"description": meaning, "schema": {"type": "integer" if name == "Retry-After" else "string"}}
            for name, meaning in answer.headers.items()
        }
    if answer.content:
        described["content"] = {}
        for media_type, of in answer.content.items():
            answered = {
                example.name: _example(example, example.answer)
                for example in examples
                if example.is_steady and example.status == status and (example.accept == CSV) is (media_type == CSV)
            }
            described["content"] |= _content({media_type: of}, answered)
    return described


def _content(content: Mapping[str, type[Struct] | None], examples: Document) -> Document:
    described = {}
    for media_type, of in content.items():
        schema = reference(of) if of else {"type": "object" if media_type == JSON else "string"}
        described[media_type] = {"schema": schema, **({"examples": examples} if examples else {})}
    return described


def _example(example: Example, value: Any) -> Document:
    return {"summary": example.summary, "value": value}
