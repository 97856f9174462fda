// One endpoint: what it takes and answers, and a form to try it.

import type { Content, Operation, Parameter } from "./contract.ts";
import { type Child, code, fold, make, prose, shown, table } from "./dom.ts";
import { RequestForm, type Surroundings } from "./form.ts";
import { described, typeOf } from "./schemas.ts";

export function endpointSection(method: string, path: string, operation: Operation, around: Surroundings): HTMLElement {
  const name = operation.operationId;
  return make(
    "section",
    { id: `http-${name}`, class: "endpoint" },
    make("h3", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), " ", make("code", {}, path)),
    make("p", { class: "summary" }, operation.summary),
    ...prose(operation.description ?? ""),
    operation.parameters ? parameterTable(operation.parameters) : null,
    ...Object.entries(operation.responses).map(([status, response]) => answer(status, response)),
    make("div", { class: "try" }, make("h4", {}, "Try it"), new RequestForm(method, path, operation, around).element),
  );
}

function parameterTable(parameters: readonly Parameter[]): HTMLElement {
  const rows = parameters.map((parameter): Child[][] => [
    [make("code", {}, parameter.name === "where" ? "where.TAG" : parameter.name)],
    [parameter.in],
    parameter.name === "where" ? ["string"] : typeOf(parameter.schema),
    described(parameter.description),
  ]);
  return table(["parameter", "where", "type", "meaning"], rows);
}

function answer(status: string, response: { description: string; content?: Content }): HTMLElement {
  const [first = "", ...others] = response.description.split("\n");
  const children: Child[] = [...prose(others.join("\n"))];
  for (const [mediaType, { schema, examples }] of Object.entries(response.content ?? {})) {
    children.push(make("p", {}, make("code", {}, mediaType), ": ", ...typeOf(schema)));
    for (const { summary, value } of Object.values(examples ?? {})) children.push(make("p", {}, summary), code(shown(value)));
  }
  return fold(`${status} ${first}`, ...children);
}
