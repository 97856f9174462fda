// One socket: what is said on it, and a console that opens it, sends messages and shows the frames.

import { type AsyncApi, type Channel, type Message, type Schema, nameOf } from "./contract.ts";
import { type Child, code, fold, make, prose, shown } from "./dom.ts";
import { FrameLog } from "./log.ts";
import { typeOf } from "./schemas.ts";

/** Where the table of close codes begins in a description. */
const CLOSING = "How the hub closes it:";

export function channelSection(name: string, document: AsyncApi, token: () => string): HTMLElement {
  const channel = document.channels[name]!;
  const [about = "", closing] = channel.description.split(CLOSING);
  return make(
    "section",
    { id: `socket-${name}`, class: "endpoint" },
    make("h3", {}, make("span", { class: "method ws" }, "WS"), " ", make("code", {}, channel.address)),
    make("p", { class: "summary" }, channel.title),
    ...prose(about),
    console_(name, channel, messagesOf(name, "receive", document), token),
    closing === undefined ? null : fold("How the hub closes it", ...prose(CLOSING + closing)),
    make("h4", {}, "Messages that the hub takes"),
    ...messagesOf(name, "receive", document).map(message),
    make("h4", {}, "Messages that the hub sends"),
    ...messagesOf(name, "send", document).map(message),
  );
}

/** What the hub takes on a channel, or what it sends there, in the order of the operations. */
function messagesOf(channel: string, action: "send" | "receive", document: AsyncApi): Message[] {
  const operations = Object.values(document.operations).filter((one) => nameOf(one.channel.$ref) === channel);
  const references = operations.flatMap((one) => {
    const replies = one.reply?.messages ?? [];
    if (action === "receive") return one.action === "receive" ? one.messages : [];
    return one.action === "send" ? one.messages : replies;
  });
  const names = new Set(references.map((reference) => nameOf(reference.$ref)));
  return [...names].map((name) => document.components.messages[name]!);
}

function message({ name, title, summary, description, payload, examples }: Message): HTMLElement {
  const children: Child[] = [...prose(summary ?? ""), make("p", {}, "Of type ", ...typeOf(payload), ".")];
  children.push(...prose(description ?? ""));
  for (const example of examples ?? []) children.push(make("p", {}, example.summary), code(shown(example.payload)));
  return fold(title === name ? name : `${name}: ${title}`, ...children);
}

/** The console of a channel. */
function console_(name: string, channel: Channel, messages: Message[], token: () => string): HTMLElement {
  const log = new FrameLog();
  const query = Object.entries(channel.bindings.ws.query.properties ?? {});
  const parts = Object.keys(channel.parameters ?? {}).map((key): [string, Schema] => [key, {}]);
  const parameters = new Map([...parts, ...query].map(([key, schema]) => [key, control(name, key, schema)]));
  const text = make("textarea", { id: `${name}-message`, rows: "6", spellcheck: "false" });
  const examples = messages.flatMap((one) => one.examples ?? []);
  const chosen = make(
    "select",
    { id: `${name}-example`, change: () => fill() },
    ...examples.map((example, index) => make("option", { value: String(index) }, example.summary)),
  );
  const fill = (): void => void (text.value = shown(examples[Number(chosen.value)]?.payload ?? ""));
  const send = make("button", { type: "button", disabled: true, click: () => session.send(text.value) }, "Send");
  const open = make("button", { type: "button", click: () => session.toggle(address(channel, parameters)) }, "Open");
  const state = make("span", { class: "status", role: "status" }, "closed");
  const session = new Session(log, token, (opened) => {
    send.disabled = !opened;
    open.textContent = opened ? "Close" : "Open";
    state.textContent = opened ? "open" : "closed";
    state.dataset["good"] = String(opened);
  });
  const pause = make("input", { id: `${name}-pause`, type: "checkbox", change: () => log.pause(pause.checked) });
  const clear = make("button", { type: "button", click: () => log.clear() }, "Clear");
  fill();
  return make(
    "div",
    { class: "try" },
    make("h4", {}, "Try it"),
    ...[...parameters].map(([key, element]) => labelled(key, element)),
    make("p", { class: "buttons" }, open, state),
    labelled("Message", chosen),
    labelled("Frame", text),
    make("p", { class: "buttons" }, send, clear, make("label", { for: pause.id }, pause, " Pause")),
    log.element,
  );
}

function control(channel: string, key: string, schema: Schema): HTMLInputElement | HTMLSelectElement {
  const id = `${channel}-${key}`;
  if (schema.enum === undefined) return make("input", { id, autocomplete: "off", spellcheck: "false" });
  // Binary frames cannot be typed.
  const values = schema.enum.map(String).filter((value) => value !== "msgpack");
  return make("select", { id }, make("option", { value: "" }, "as if not given"), ...values.map((value) => make("option", { value }, value)));
}

function labelled(text: string, element: HTMLElement): HTMLElement {
  return make("div", { class: "field" }, make("label", { for: element.id }, text), element);
}

function address(channel: Channel, parameters: Map<string, HTMLInputElement | HTMLSelectElement>): URL {
  const value = (key: string): string => parameters.get(key)?.value ?? "";
  const path = channel.address.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(value(key)));
  const url = new URL(path.slice(1), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  for (const key of parameters.keys()) {
    if (channel.parameters?.[key] === undefined && value(key) !== "") url.searchParams.set(key, value(key));
  }
  return url;
}

/** The one socket that a console has open. */
class Session {
  #socket: WebSocket | null = null;
  #log: FrameLog;
  #token: () => string;
  #changed: (opened: boolean) => void;

  constructor(log: FrameLog, token: () => string, changed: (opened: boolean) => void) {
    this.#log = log;
    this.#token = token;
    this.#changed = changed;
  }

  toggle(url: URL): void {
    if (this.#socket !== null) this.#socket.close(1000);
    else this.#open(url);
  }

  send(text: string): void {
    this.#socket?.send(text);
    this.#log.add("sent", text);
  }

  #open(url: URL): void {
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#changed(true);
    socket.onopen = () => {
      this.#log.add("note", `open: ${url.href}`);
      const token = this.#token();
      if (token === "") return;
      socket.send(JSON.stringify({ type: "auth", token }));
      this.#log.add("sent", JSON.stringify({ type: "auth", token: "…" }));
    };
    socket.onmessage = (event) => this.#log.add("received", String(event.data));
    socket.onclose = (event) => {
      this.#log.add("note", `closed with ${event.code}${event.reason === "" ? "" : `: ${event.reason}`}`);
      this.#socket = null;
      this.#changed(false);
    };
  }
}
