// One connection to /v1/live after the other, for as long as that can help. It knows no subscriptions.

import { Backoff } from "./backoff.ts";
import type { Message } from "./messages.ts";
import { type Ending, endingOf } from "./problems.ts";

const READY_WITHIN_MS = 10_000;
/** A network that has vanished closes nothing. After so long a silence the hub is asked something, */
const SILENT_MS = 10_000;
/** and so long it has for an answer. */
const ANSWER_MS = 5_000;
/** It ends a subscription that never was, which the hub answers with an error of this id. */
const PROBE = { type: "unsubscribe", id: "\u0000alive?" };

/** What the connection is doing; `until` is when the next try is made, by this machine's clock. */
export type State =
  | { name: "idle" | "connecting" | "live" | "closed" }
  | { name: "waiting"; until: number; message: string }
  | { name: "token" | "failed"; message: string };

export interface Session {
  id: string;
  /** The hub's time when the session began. */
  time: number;
}

export interface ConnectionListener {
  state(state: State): void;
  session(session: Session): void;
  message(message: Message): void;
}

export class Connection {
  /** Connections that were lost after they had been made. */
  losses = 0;
  state: State = { name: "idle" };
  session: Session | null = null;
  readonly backoff = new Backoff();
  #url: string;
  #token: string | null;
  #listener: ConnectionListener;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;

  constructor(url: string, token: string | null, listener: ConnectionListener) {
    this.#url = url;
    this.#token = token;
    this.#listener = listener;
  }

  /** Connect, unless that is being done already. */
  open(): void {
    if (this.state.name === "idle") this.#connect();
  }

  /** Stop waiting, and try at once. */
  wake(): void {
    if (this.state.name === "waiting") this.#connect();
  }

  /** Go on with another token: on the open connection, or on a new one. */
  authenticate(token: string | null): void {
    this.#token = token;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#sendToken();
    else if (this.state.name === "token" || this.state.name === "waiting") this.#connect();
  }

  /** Send a message; nothing happens where no session is open. */
  send(message: object): void {
    if (this.session !== null) this.#socket?.send(JSON.stringify(message));
  }

  close(): void {
    this.#drop(1000);
    this.#become({ name: "closed" });
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#become({ name: "connecting" });
    const socket = new WebSocket(this.#url, "hub.v1.json");
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#watchdog = setInterval(() => this.#watch(), 1_000);
    socket.onopen = () => this.#sendToken();
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data as string) as Message);
    socket.onclose = (event) => this.#end(endingOf(event.code, event.reason));
    socket.onerror = () => {}; // a close follows
  }

  #sendToken(): void {
    if (this.#token !== null) this.#socket?.send(JSON.stringify({ type: "auth", token: this.#token }));
  }

  #receive(message: Message): void {
    this.#heardAt = Date.now();
    if (message.type !== "ready") {
      if (message.type !== "error" || message.id !== PROBE.id) this.#listener.message(message);
    } else if (this.session === null) {
      this.session = { id: message.session, time: message.time };
      this.#become({ name: "live" });
      this.#listener.session(this.session);
    }
  }

  #watch(): void {
    const silent = Date.now() - this.#heardAt;
    const patience = this.session === null ? READY_WITHIN_MS : SILENT_MS + ANSWER_MS;
    if (silent > patience) this.#end({ remedy: "again", message: "the hub does not answer any more", after: 0 });
    else if (silent > SILENT_MS) this.send(PROBE);
  }

  #end(ending: Ending): void {
    if (this.session !== null) this.losses += 1;
    this.#drop();
    const { message } = ending;
    if (ending.remedy === "token") return this.#become({ name: "token", message });
    if (ending.remedy === "never") return this.#become({ name: "failed", message });
    const delay = this.backoff.delay(ending.after);
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#become({ name: "waiting", until: Date.now() + delay, message });
  }

  #drop(code?: number): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watchdog);
    if (this.#socket !== null) {
      this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close(code);
    }
    this.#socket = this.session = null;
  }

  #become(state: State): void {
    this.state = state;
    this.#listener.state(state);
  }
}
