// Schemas for people: what each property is, and which a message has to have.

import { type Schema, nameOf } from "./contract.ts";
import { type Child, inline, make, prose, table } from "./dom.ts";
import { spans } from "./prose.ts";

/** The type in a few words, with links to those that have a name. */
export function typeOf(schema: Schema): Child[] {
  if (schema.$ref !== undefined) {
    const name = nameOf(schema.$ref);
    return [make("a", { href: `#schema-${name}` }, name)];
  }
  if (schema.const !== undefined) return [make("code", {}, JSON.stringify(schema.const))];
  if (schema.enum !== undefined) return [make("code", {}, schema.enum.map((value) => JSON.stringify(value)).join(" | "))];
  if (schema.anyOf !== undefined) return joined(schema.anyOf.map(typeOf));
  if (schema.items !== undefined) return ["list of ", ...typeOf(schema.items)];
  if (typeof schema.additionalProperties === "object") return ["names to ", ...typeOf(schema.additionalProperties)];
  return [schema.type ?? "anything"];
}

function joined(types: Child[][]): Child[] {
  return types.flatMap((type, index) => (index === 0 ? type : [" or ", ...type]));
}

export function schemaSection(name: string, schema: Schema): HTMLElement {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([key, property]): Child[][] => [
    [make("code", {}, key)],
    typeOf(property),
    [required.has(key) ? "yes" : property.default === undefined ? "no" : `no: ${JSON.stringify(property.default)}`],
  ]);
  return make(
    "section",
    { id: `schema-${name}`, class: "schema" },
    make("h3", {}, name),
    ...prose(schema.description ?? ""),
    rows.length > 0 ? table(["key", "type", "has to be there"], rows) : make("p", {}, ...typeOf(schema)),
  );
}

export function described(text: string): Child[] {
  return inline(spans(text));
}
