// One endpoint: what it takes and answers, and a form that makes the request.

import type { Content, Examples, Operation, Parameter } from "./contract.ts";
import { type Child, code, fold, make, prose, shown, table } from "./dom.ts";
import { type Prepared, curl, prepare } from "./request.ts";
import { described, typeOf } from "./schemas.ts";

const EVENTS = "text/event-stream";

/** What a form needs of the page: the token that was filled in, and the names of the streams that there are. */
export interface Surroundings {
  token(): string;
  streams: readonly string[];
}

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
    tryIt(method, path, operation, around),
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

/** The form: a field for each parameter, the body, and what the hub has answered. */
function tryIt(method: string, path: string, operation: Operation, { token, streams }: Surroundings): HTMLElement {
  const id = `try-${operation.operationId}`;
  const fields = new Map((operation.parameters ?? []).map((parameter) => [parameter.name, field(id, parameter)]));
  const [bodyType, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [null, null];
  const text = body && make("textarea", { id: `${id}-body`, rows: "6", spellcheck: "false" });
  const accepts = Object.keys(operation.responses["200"]?.content ?? {});
  const accept = accepts.length > 1 ? choice(`${id}-accept`, accepts) : null;
  const endless = accepts.includes(EVENTS);
  const result = make("div", { class: "result", "aria-live": "polite" });
  const send = make("button", { type: "submit" }, "Send");
  const stop = make("button", { type: "button", hidden: true }, "Stop");

  // The stream of the examples is hardly one of this hub's.
  const fieldText = (parameter: Parameter, value: unknown): string => {
    const isStandIn = parameter.in === "path" && value === Object.values(parameter.examples ?? {})[0]?.value;
    return isStandIn && streams[0] !== undefined && !streams.includes(String(value)) ? streams[0] : textOf(value);
  };
  const fill = (name: string): void => {
    for (const parameter of operation.parameters ?? []) {
      const value = parameter.examples?.[name]?.value;
      fields.get(parameter.name)!.value = value === undefined ? "" : fieldText(parameter, value);
    }
    if (text) text.value = shown(body?.examples?.[name]?.value ?? "");
  };
  const request = (): Prepared =>
    prepare(method, path, operation, {
      parameters: Object.fromEntries([...fields].map(([name, input]) => [name, input.value])),
      body: text ? text.value : null,
      contentType: bodyType,
      accept: accept?.value ?? null,
      token: token(),
    });
  const names = namesOf(operation);
  const example = names.size > 0 ? choice(`${id}-example`, [...names.keys()], [...names.values()]) : null;
  example?.addEventListener("change", () => fill(example.value));
  if (example) fill(example.value);

  const form = make(
    "form",
    {
      submit: (event) => {
        event.preventDefault();
        void run(request(), endless, { result, send, stop });
      },
    },
    example && labelled("Example", example),
    ...[...fields].map(([name, input]) => labelled(name === "where" ? "where.TAG=value, a line for each" : name, input)),
    text && labelled(`Body, ${bodyType}`, text),
    accept && labelled("Accept", accept),
    make("p", { class: "buttons" }, send, stop),
    result,
  );
  return make("div", { class: "try" }, make("h4", {}, "Try it"), form);
}

function field(id: string, parameter: Parameter): HTMLInputElement | HTMLTextAreaElement {
  const attributes = { id: `${id}-${parameter.name}`, spellcheck: "false", autocomplete: "off" };
  if (parameter.explode) return make("textarea", { ...attributes, rows: "1" });
  return make("input", { ...attributes, required: parameter.required });
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const lines = Object.entries(value).flatMap(([name, values]) => (values as string[]).map((one) => `${name}=${one}`));
  return lines.join("\n");
}

/** The examples of an operation, by name with their summaries; those that succeed come first. */
function namesOf(operation: Operation): Map<string, string> {
  const found = new Map<string, string>();
  const add = (examples: Examples | undefined): void => {
    for (const [name, { summary }] of Object.entries(examples ?? {})) found.set(name, found.get(name) ?? summary);
  };
  for (const parameter of operation.parameters ?? []) add(parameter.examples);
  for (const content of Object.values(operation.requestBody?.content ?? {})) add(content.examples);
  return found;
}

function choice(id: string, values: string[], labels: string[] = values): HTMLSelectElement {
  return make("select", { id }, ...values.map((value, index) => make("option", { value }, labels[index] ?? value)));
}

function labelled(text: string, control: HTMLElement): HTMLElement {
  return make("div", { class: "field" }, make("label", { for: control.id }, text), control);
}

interface Parts {
  result: HTMLElement;
  send: HTMLButtonElement;
  stop: HTMLButtonElement;
}

/** Make the request, and show it and its answer; one that does not end is shown as it comes, until it is stopped. */
async function run(prepared: Prepared, endless: boolean, { result, send, stop }: Parts): Promise<void> {
  const base = new URL(".", location.href).href.replace(/\/$/, "");
  const abort = new AbortController();
  const status = make("p", { class: "status" }, "Waiting …");
  const body = make("code");
  result.replaceChildren(code(curl(base, prepared, endless)), status, make("pre", { tabindex: "0" }, body));
  send.disabled = true;
  stop.hidden = false;
  stop.onclick = () => abort.abort();
  const began = performance.now();
  try {
    const { method, headers } = prepared;
    const response = await fetch(base + prepared.path, { method, headers, body: prepared.body, signal: abort.signal });
    const took = Math.round(performance.now() - began);
    status.textContent = `${response.status} ${response.statusText}, ${response.headers.get("content-type") ?? "no body"}, ${took} ms`;
    status.dataset["good"] = String(response.ok);
    if (endless && response.ok) await follow(response, body);
    else body.textContent = pretty(await response.text());
  } catch (error) {
    status.textContent = abort.signal.aborted ? `${status.textContent}; stopped` : `No answer: ${String(error)}`;
  } finally {
    send.disabled = false;
    stop.hidden = true;
  }
}

const MOST_SHOWN = 100_000;

async function follow(response: Response, body: HTMLElement): Promise<void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    body.textContent = ((body.textContent ?? "") + part.value).slice(-MOST_SHOWN);
  }
}

function pretty(text: string): string {
  try {
    return shown(JSON.parse(text));
  } catch {
    return text;
  }
}
