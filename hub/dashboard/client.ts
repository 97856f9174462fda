// The client of a PXL Hub for browsers and Node: windows of named streams and of queries, without a hole, whatever
// happens in between. It needs nothing but `WebSocket` and `fetch`.
//
//     const hub = new Hub("http://127.0.0.1:8000");
//     for await (const window of hub.windows({ stream: "weather", history: "10m" })) console.log(window.rows);

import { Connection, type State } from "./client/connection.ts";
import type { Description, Measurement, Message, Query, Request, Stream, Where, Window } from "./client/messages.ts";
import { HubError } from "./client/problems.ts";
import { type Listener, Subscription } from "./client/subscription.ts";

export type * from "./client/messages.ts";
export { HubError, type Listener, type State, type Subscription };

export interface Options {
  /** A bearer token; or null where the hub is open. */
  token?: string | null;
  /** Hears what the connection is doing. */
  state?: (state: State) => void;
}

/** Which final windows `Hub.query` wants; times in milliseconds or as RFC 3339. */
export interface WindowsRequest {
  stream?: string;
  query?: Query;
  where?: Where;
  start?: number | string;
  stop?: number | string;
  history?: string;
}

/** A hub: one connection for all subscriptions, made when the first is, and made again for as long as that helps. */
export class Hub {
  #base: URL;
  #token: string | null;
  #connection: Connection;
  #subscriptions = new Map<string, Subscription>();
  #plans = new Map<string, Set<Subscription>>();
  #nextId = 1;
  #offset = 0;

  /** `url` is the hub's address, as `http://127.0.0.1:8000`; a path before `/v1` is kept. */
  constructor(url: string | URL, options: Options = {}) {
    this.#base = new URL(url);
    if (!this.#base.pathname.endsWith("/")) this.#base.pathname += "/";
    this.#base.protocol = this.#base.protocol.replace("ws", "http");
    this.#token = options.token ?? null;
    const socket = new URL("v1/live", this.#base);
    socket.protocol = socket.protocol.replace("http", "ws");
    this.#connection = new Connection(socket.href, this.#token, {
      state: (state) => {
        if (this.#connection.session === null) this.#lost();
        options.state?.(state);
      },
      session: (session) => {
        this.#offset = session.time - Date.now();
        for (const subscription of this.#subscriptions.values()) subscription.ask(session);
      },
      message: (message) => this.#receive(message),
    });
  }

  get state(): State {
    return this.#connection.state;
  }

  /** Connections that were lost. */
  get losses(): number {
    return this.#connection.losses;
  }

  /** The hub's clock, for a machine whose own may be wrong; milliseconds. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** Go on with another token. */
  authenticate(token: string | null): void {
    this.#token = token;
    this.#connection.authenticate(token);
  }

  /** Connect before the first subscription, so that it need not wait. */
  connect(): void {
    this.#connection.open();
  }

  /** Try to connect now rather than later. */
  wake(): void {
    this.#connection.wake();
  }

  /** Windows as they come, until `unsubscribe`. */
  subscribe(request: Request, listener: Listener): Subscription {
    const subscription = new Subscription(String(this.#nextId++), request, listener, {
      send: (message) => this.#connection.send(message),
      succeeded: () => this.#connection.backoff.succeeded(),
    });
    this.#subscriptions.set(subscription.id, subscription);
    this.#connection.open();
    if (this.#connection.session !== null) subscription.ask(this.#connection.session);
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription.id)) return;
    subscription.end();
    for (const members of this.#plans.values()) members.delete(subscription);
  }

  /** Have the hub send nothing for now: it costs nobody anything until `resume`. */
  suspend(subscription: Subscription): void {
    if (subscription.isSuspended) return;
    subscription.isSuspended = true;
    subscription.end();
    for (const members of this.#plans.values()) members.delete(subscription);
  }

  /** Go on where it was suspended: what was missed comes first. */
  resume(subscription: Subscription): void {
    if (!subscription.isSuspended) return;
    subscription.isSuspended = false;
    if (this.#connection.session !== null) subscription.ask(this.#connection.session);
  }

  /** The windows of a stream or a query: the history first, then live ones, until the loop is left. HubError. */
  async *windows(request: Request): AsyncGenerator<Window & { columns: Description["columns"] }, void, void> {
    const waiting: Window[] = [];
    const failures: HubError[] = [];
    let wake = (): void => {};
    const subscription = this.subscribe(request, {
      windows: (windows) => void (waiting.push(...windows), wake()),
      failed: (error, final) => void (final && (failures.push(error), wake())),
    });
    try {
      for (;;) {
        for (const window of waiting.splice(0)) yield { ...window, columns: subscription.description?.columns ?? [] };
        if (failures[0]) throw failures[0];
        if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.unsubscribe(subscription);
    }
  }

  /** The named streams that the token may read. HubError. */
  async streams(): Promise<readonly Stream[]> {
    return (await this.#fetch<{ streams: readonly Stream[] }>("v1/streams")).streams;
  }

  /** Measurements with their tags and fields, of each tag the first `values` values. HubError. */
  async schema(values = 100): Promise<readonly Measurement[]> {
    return (await this.#fetch<{ measurements: readonly Measurement[] }>(`v1/schema?values=${values}`)).measurements;
  }

  /** Final windows of the past, without a subscription. HubError. */
  query(request: WindowsRequest): Promise<Description & { final_until: number; windows: readonly Window[] }> {
    return this.#fetch("v1/query", { method: "POST", body: JSON.stringify(request) });
  }

  close(): void {
    this.#connection.close();
    this.#subscriptions.clear();
  }

  async #fetch<Body>(path: string, init: RequestInit = {}): Promise<Body> {
    const headers: Record<string, string> = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    const signal = AbortSignal.timeout(15_000);
    let response: Response;
    try {
      response = await fetch(new URL(path, this.#base), { cache: "no-store", headers, signal, ...init });
    } catch (error) {
      throw new HubError("unreachable", `the hub cannot be reached: ${(error as Error).message}`);
    }
    const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string };
    if (response.ok) return body as Body;
    throw new HubError(body.code ?? "http", body.message ?? `the hub answered ${response.status}`, response.status);
  }

  #receive(message: Message): void {
    if ("id" in message && message.id !== null) {
      const subscription = this.#subscriptions.get(message.id);
      if (subscription && message.type === "subscribed") this.#membersOf(message.plan).add(subscription);
      subscription?.receive(message);
    } else if ("plan" in message) {
      // What comes next depends on what was skipped, and each member asks for it anew.
      for (const subscription of [...this.#membersOf(message.plan)]) subscription.receive(message);
    } else {
      for (const subscription of this.#subscriptions.values()) subscription.receive(message);
    }
  }

  #membersOf(plan: string): Set<Subscription> {
    const members = this.#plans.get(plan) ?? new Set();
    this.#plans.set(plan, members);
    return members;
  }

  #lost(): void {
    this.#plans.clear();
    for (const subscription of this.#subscriptions.values()) subscription.lost();
  }
}
