"""JSON Schemas of the message types, as both documents have them under `#/components/schemas/`."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

Document = dict[str, Any]

TEMPLATE = "#/components/schemas/{name}"


def reference(of: type[msgspec.Struct]) -> Document:
    """A reference to the type's schema."""
    return {"$ref": TEMPLATE.format(name=of.__name__)}


def schemas(types: Iterable[type[msgspec.Struct]]) -> dict[str, Document]:
    """The schemas of these types and of those that they are made of, by name."""
    _, components = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    return {name: _tidy(schema) for name, schema in sorted(components.items())}


def _tidy(schema: Any) -> Any:
    """Docstrings without their indentation; a `type` that is always the same as a constant."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidy(part) for key, part in schema.items()}
    if isinstance(text := tidied.get("description"), str):
        tidied["description"] = inspect.cleandoc(text)
    match tidied:
        case {"enum": [only]}:
            tidied["const"] = only
            del tidied["enum"]
    return tidied
