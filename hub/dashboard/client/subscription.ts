// One subscription: its windows go to a listener, whatever happens to the connections meanwhile.

import { Ledger } from "./ledger.ts";
import type { Description, Explanation, Message, Request, Window } from "./messages.ts";
import { HubError } from "./problems.ts";

/** What a subscription tells. */
export interface Listener {
  /** The hub has granted it; again at each connection. */
  described?(description: Description): void;
  /** Windows that are news, oldest first: a part of the history, or one that has come now. */
  windows?(windows: readonly Window[], live: boolean): void;
  /** The history is complete. */
  live?(): void;
  /** Every window that stopped by then is final as last told. */
  progress?(finalUntil: number): void;
  /** So many windows were left out, because this client was too slow; they are being asked for. */
  skipped?(windows: number): void;
  /** It failed. With `final` it will never be granted as it is; otherwise it is tried again. */
  failed?(error: HubError, final: boolean): void;
}

interface Question {
  stop: number;
  resolve(answer: Explanation): void;
  reject(error: HubError): void;
}

/** How a subscription reaches the hub. */
export interface Wire {
  send(message: object): void;
  succeeded(): void;
}

export class Subscription {
  readonly id: string;
  readonly request: Request;
  /** What the rows mean; null until the hub has granted it. */
  description: Description | null = null;
  /** Whether the hub is not to send anything for now. */
  isSuspended = false;
  #listener: Listener;
  #wire: Wire;
  #ledger: Ledger;
  #isAsked = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #session = { id: "", time: 0 };
  #questions: Question[] = [];

  constructor(id: string, request: Request, listener: Listener, wire: Wire) {
    this.id = id;
    this.request = request;
    this.#listener = listener;
    this.#wire = wire;
    this.#ledger = new Ledger(request);
  }

  /** Every window that stopped by then is final as last told; null while that is unknown. */
  get finalUntil(): number | null {
    return this.#ledger.finalUntil;
  }

  /** What the window that stops then is made of, asked of the database anew. Rejects with HubError. */
  explain(stop: number): Promise<Explanation> {
    return new Promise((resolve, reject) => {
      if (!this.#isAsked) return reject(new HubError("unreachable", "there is no connection to the hub now"));
      this.#questions.push({ stop, resolve, reject });
      this.#wire.send({ type: "explain", id: this.id, stop });
    });
  }

  /** A session is open: ask for what is missing, unless nobody looks. */
  ask(session: { id: string; time: number }): void {
    clearTimeout(this.#retry);
    this.#session = session;
    if (this.isSuspended) return;
    this.#isAsked = true;
    const { stream, query, where } = this.request;
    this.#wire.send({ type: "subscribe", id: this.id, stream, query, where, ...this.#ledger.asks(session.id, session.time) });
  }

  /** End it on the hub's side too. */
  end(): void {
    if (this.#isAsked) this.#wire.send({ type: "unsubscribe", id: this.id });
    this.lost();
  }

  /** The connection is gone. */
  lost(): void {
    clearTimeout(this.#retry);
    this.#isAsked = false;
    const error = new HubError("unreachable", "the connection to the hub was lost");
    for (const question of this.#questions.splice(0)) question.reject(error);
  }

  /** A message that concerns this subscription. */
  receive(message: Message): void {
    switch (message.type) {
      case "subscribed":
        this.#wire.succeeded();
        this.description = message;
        return this.#listener.described?.(message);
      case "history":
        return this.#tell(this.#ledger.history(message.windows), false);
      case "live":
        this.#ledger.live(message.from);
        return this.#listener.live?.();
      case "window":
        return this.#tell(this.#ledger.window(message) ? [message] : [], true);
      case "progress":
        if (this.#ledger.progress(message.final_until)) this.#listener.progress?.(message.final_until);
        return;
      case "skipped":
        return this.#skipped(message.windows, message.from);
      case "explained":
        return this.#take(message.stop)?.resolve(message);
      case "error":
        return this.#fail(message);
    }
  }

  #tell(windows: readonly Window[], live: boolean): void {
    if (windows.length > 0) this.#listener.windows?.(windows, live);
  }

  #skipped(windows: number, from: number): void {
    this.#ledger.skipped(from);
    this.#listener.skipped?.(windows);
    this.#wire.send({ type: "unsubscribe", id: this.id });
    this.ask(this.#session);
  }

  #take(stop?: number): Question | undefined {
    const index = stop === undefined ? 0 : this.#questions.findIndex((question) => question.stop === stop);
    return index < 0 ? undefined : this.#questions.splice(index, 1)[0];
  }

  #fail(problem: Message & { type: "error" }): void {
    const error = new HubError(problem.code, problem.message);
    // Answers come in the order asked, and a subscription that has been granted fails no more by itself.
    if (problem.id !== null && this.#ledger.isLive) return this.#take()?.reject(error);
    if (problem.id === null) return this.#listener.failed?.(error, false);
    this.#isAsked = false;
    if (problem.retry_after_ms === null) return this.#listener.failed?.(error, true);
    this.#retry = setTimeout(() => this.ask(this.#session), problem.retry_after_ms);
    this.#listener.failed?.(error, false);
  }
}
