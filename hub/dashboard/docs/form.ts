// The form of an endpoint: a field for each parameter, the body, and what the hub has answered.

import type { Examples, Operation, Parameter } from "./contract.ts";
import { code, make, shown } from "./dom.ts";
import { type Prepared, curl, prepare } from "./request.ts";

const EVENTS = "text/event-stream";
const MOST_SHOWN = 100_000;

/** What a form needs of the page: the token that was filled in, and the names of the streams that there are. */
export interface Surroundings {
  token(): string;
  streams: readonly string[];
}

type Control = HTMLInputElement | HTMLTextAreaElement;

export class RequestForm {
  readonly element: HTMLElement;
  #method: string;
  #path: string;
  #operation: Operation;
  #around: Surroundings;
  #fields: Map<string, Control>;
  #bodyType: string | null;
  #body: HTMLTextAreaElement | null;
  #accept: HTMLSelectElement | null;
  #isEndless: boolean;
  #send = make("button", { type: "submit" }, "Send");
  #stop = make("button", { type: "button", hidden: true }, "Stop");
  #result = make("div", { class: "result", "aria-live": "polite" });

  constructor(method: string, path: string, operation: Operation, around: Surroundings) {
    this.#method = method;
    this.#path = path;
    this.#operation = operation;
    this.#around = around;
    const id = `try-${operation.operationId}`;
    this.#fields = new Map((operation.parameters ?? []).map((parameter) => [parameter.name, field(id, parameter)]));
    this.#bodyType = Object.keys(operation.requestBody?.content ?? {})[0] ?? null;
    this.#body = this.#bodyType === null ? null : make("textarea", { id: `${id}-body`, rows: "6", spellcheck: "false" });
    const accepts = Object.keys(operation.responses["200"]?.content ?? {});
    this.#accept = accepts.length > 1 ? choice(`${id}-accept`, accepts) : null;
    this.#isEndless = accepts.includes(EVENTS);
    this.element = this.#form(id);
  }

  #form(id: string): HTMLElement {
    const names = namesOf(this.#operation);
    const example = names.size > 0 ? choice(`${id}-example`, [...names.keys()], [...names.values()]) : null;
    example?.addEventListener("change", () => this.#fill(example.value));
    if (example) this.#fill(example.value);
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.#run(this.#request());
    };
    return make(
      "form",
      { submit },
      example && labelled("Example", example),
      ...[...this.#fields].map(([name, input]) => labelled(name === "where" ? "where.TAG=value, a line for each" : name, input)),
      this.#body && labelled(`Body, ${this.#bodyType}`, this.#body),
      this.#accept && labelled("Accept", this.#accept),
      make("p", { class: "buttons" }, this.#send, this.#stop),
      this.#result,
    );
  }

  #fill(example: string): void {
    for (const parameter of this.#operation.parameters ?? []) {
      const value = parameter.examples?.[example]?.value;
      this.#fields.get(parameter.name)!.value = value === undefined ? "" : this.#textOf(parameter, value);
    }
    const content = this.#operation.requestBody?.content[this.#bodyType ?? ""];
    if (this.#body) this.#body.value = shown(content?.examples?.[example]?.value ?? "");
  }

  /** A value as its field has it. The stream of the examples is hardly one of this hub's. */
  #textOf(parameter: Parameter, value: unknown): string {
    const [first] = this.#around.streams;
    const isStandIn = parameter.in === "path" && value === Object.values(parameter.examples ?? {})[0]?.value;
    if (isStandIn && first !== undefined && !this.#around.streams.includes(String(value))) return first;
    if (typeof value !== "object" || value === null) return String(value);
    const lines = Object.entries(value).flatMap(([name, values]) => (values as string[]).map((one) => `${name}=${one}`));
    return lines.join("\n");
  }

  #request(): Prepared {
    return prepare(this.#method, this.#path, this.#operation, {
      parameters: Object.fromEntries([...this.#fields].map(([name, input]) => [name, input.value])),
      body: this.#body?.value ?? null,
      contentType: this.#bodyType,
      accept: this.#accept?.value ?? null,
      token: this.#around.token(),
    });
  }

  /** Make the request, and show it and its answer; one that does not end is shown as it comes, until it is stopped. */
  async #run(prepared: Prepared): Promise<void> {
    const base = new URL(".", location.href).href.replace(/\/$/, "");
    const abort = new AbortController();
    const status = make("p", { class: "status" }, "Waiting …");
    const body = make("code");
    this.#result.replaceChildren(code(curl(base, prepared, this.#isEndless)), status, make("pre", { tabindex: "0" }, body));
    this.#send.disabled = true;
    this.#stop.hidden = false;
    this.#stop.onclick = () => abort.abort();
    try {
      await this.#show(base, prepared, abort.signal, status, body);
    } catch (error) {
      status.textContent = abort.signal.aborted ? `${status.textContent}; stopped` : `No answer: ${String(error)}`;
    } finally {
      this.#send.disabled = false;
      this.#stop.hidden = true;
    }
  }

  async #show(base: string, prepared: Prepared, signal: AbortSignal, status: HTMLElement, body: HTMLElement): Promise<void> {
    const { method, path, headers } = prepared;
    const began = performance.now();
    const response = await fetch(base + path, { method, headers, body: prepared.body, signal });
    const took = Math.round(performance.now() - began);
    const type = response.headers.get("content-type") ?? "no body";
    status.textContent = `${response.status} ${response.statusText}, ${type}, ${took} ms`;
    status.dataset["good"] = String(response.ok);
    if (this.#isEndless && response.ok) await follow(response, body);
    else body.textContent = pretty(await response.text());
  }
}

function field(id: string, parameter: Parameter): Control {
  const attributes = { id: `${id}-${parameter.name}`, spellcheck: "false", autocomplete: "off" };
  if (parameter.explode) return make("textarea", { ...attributes, rows: "1" });
  return make("input", { ...attributes, required: parameter.required });
}

/** The examples of an operation, by name with their summaries. */
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
