// The hub's side of the page: one connection to /v1/live, made again for as long as the page is open,
// and the windows that came over it.

const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;
const READY_WITHIN = 10_000;
const SILENT_FOR = 15_000;
const LATE_AFTER = 4_000;

/**
 * The windows of one stream. Within one session the highest revision of a window holds; in a new session the first
 * received replaces the old. Times are milliseconds since the epoch.
 */
export class Windows {
  #byStop = new Map();
  #sorted = null;
  #oldest = null;
  #finalUntil = -Infinity;
  #resumeAfter = null;

  /** The windows, oldest first. */
  get all() {
    this.#sorted ??= [...this.#byStop.values()].sort((a, b) => a.stop - b.stop);
    return this.#sorted;
  }

  /** When the first window that has rows stopped; null while none has. */
  get oldestWithRows() {
    this.#oldest ??= this.all.find((window) => window.rows.length > 0)?.stop ?? null;
    return this.#oldest;
  }

  /** Whether a window may still change without a late point. */
  isProvisional(window) {
    return !window.final && window.stop > this.#finalUntil;
  }

  /** Take a window of a session; false when it is not news. */
  take(session, window) {
    const known = this.#byStop.get(window.stop);
    if (known?.session === session && window.revision <= known.revision) return false;
    this.#byStop.set(window.stop, { ...window, session });
    this.#sorted = null;
    this.#oldest = null;
    return true;
  }

  takeHistory(session, windows) {
    if (windows.length > 0) this.#resumeAfter ??= windows[0].stop - 1;
    for (const window of windows) this.take(session, window);
    const open = windows.findIndex((window) => !window.final);
    const lastFinal = windows.at(open === -1 ? -1 : open - 1);
    if (open !== 0 && lastFinal !== undefined) this.progress(lastFinal.stop);
  }

  /** Every window that stopped by this time is final as last received. */
  progress(finalUntil) {
    this.#finalUntil = Math.max(this.#finalUntil, finalUntil);
    this.#resumeAfter = Math.max(this.#resumeAfter ?? -Infinity, finalUntil);
  }

  /** Windows from this time on were left out: the next request has to ask for them. */
  skipped(from) {
    this.#resumeAfter = Math.min(this.#resumeAfter ?? from, from - 1);
  }

  /** What of the past to ask for: all that is not known to be final, but no more than the page shows. */
  past(now, span) {
    return this.#resumeAfter === null ? { history: `${span}ms` } : { after: Math.max(this.#resumeAfter, now - span) };
  }

  /** Forget what stopped before this time. */
  prune(before) {
    for (const stop of this.#byStop.keys()) {
      if (stop < before && this.#byStop.delete(stop)) this.#sorted = this.#oldest = null;
    }
  }
}

/**
 * Subscribes to every named stream of the hub and keeps at it. `listener` hears: `streams(list)` at each connection,
 * `subscribed(name, message)`, `changed(name)` when windows came, `refused(name, reason)`, `trouble(reason)` when
 * windows are late, and `status(state, details)` with state `connecting`, `live` or `waiting`.
 */
export class Live {
  /** Connections that were lost and made again. */
  reconnects = 0;
  /** When the last window came, by this browser's clock; null before the first. */
  lastWindowAt = null;
  #listener;
  #span;
  #windows = new Map();
  #plans = new Map();
  #offset = 0;
  #socket = null;
  #session = null;
  #lastMessageAt = 0;
  /** The least time between two windows. */
  #shortest = Infinity;
  #failures = 0;
  #wake = () => {};

  constructor(span, listener) {
    this.#span = span;
    this.#listener = listener;
    addEventListener("online", () => this.#wake());
  }

  /** The hub's clock, so that a browser whose own is wrong draws the right axis. */
  now() {
    return Date.now() + this.#offset;
  }

  windows(name) {
    return this.#windows.get(name);
  }

  async run() {
    for (;;) {
      this.#listener.status("connecting");
      let asked = 0;
      const streams = await fetchStreams().catch(() => null); // the hub is away
      if (streams !== null) {
        for (const { name } of streams) if (!this.#windows.has(name)) this.#windows.set(name, new Windows());
        this.#listener.streams(streams);
        const close = await this.#converse(streams.map((stream) => stream.name));
        asked = retryAfter(close.reason);
      }
      const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(this.#failures++, 16));
      const delay = asked + Math.random() * ceiling;
      this.#listener.status("waiting", { until: Date.now() + delay });
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, delay);
      });
    }
  }

  /** One connection, from its opening to its close event. */
  #converse(names) {
    return new Promise((resolve) => {
      const socket = new WebSocket(new URL("v1/live", location.href.replace(/^http/, "ws")), "hub.v1.json");
      const end = (event) => {
        clearInterval(watchdog);
        socket.onmessage = socket.onclose = null;
        if (this.#session !== null) this.reconnects += 1;
        this.#socket = null;
        resolve(event);
      };
      const watchdog = setInterval(() => {
        if (!this.#isDead) return;
        socket.close();
        end(new CloseEvent("close"));
      }, 1_000);
      this.#socket = socket;
      this.#session = null;
      this.#lastMessageAt = Date.now();
      this.#plans.clear();
      this.#shortest = Infinity;
      socket.onmessage = (event) => this.#receive(JSON.parse(event.data), names);
      socket.onclose = end;
    });
  }

  /** A network that vanished closes nothing by itself, but no window comes over it any more. */
  get #isDead() {
    return Date.now() - this.#lastMessageAt > (this.#session === null ? READY_WITHIN : SILENT_FOR + this.#shortest);
  }

  /** Whether the latest window is older than it should be. */
  get isLate() {
    return this.lastWindowAt !== null && Date.now() - this.lastWindowAt > LATE_AFTER + this.#shortest;
  }

  #receive(message, names) {
    this.#lastMessageAt = Date.now();
    switch (message.type) {
      case "ready":
        this.#session = message.session;
        this.#offset = message.time - Date.now();
        this.#listener.status("live");
        for (const name of names) this.#subscribe(name);
        break;
      case "subscribed":
        this.#failures = 0;
        this.#shortest = Math.min(this.#shortest, message.every_ms);
        this.#plans.set(message.plan, (this.#plans.get(message.plan) ?? new Set()).add(message.id));
        this.#listener.subscribed(message.id, message);
        break;
      case "history":
        this.windows(message.id).takeHistory(this.#session, message.windows);
        this.#listener.changed(message.id);
        break;
      case "error":
        this.#fail(message);
        break;
      default:
        for (const name of this.#plans.get(message.plan) ?? []) this.#receiveOf(name, message);
    }
  }

  /** A message of a plan, for one of the streams that share it. */
  #receiveOf(name, message) {
    const windows = this.windows(name);
    if (message.type === "window") {
      this.lastWindowAt = Date.now();
      windows.take(this.#session, message);
      windows.prune(this.now() - 2 * this.#span);
    } else if (message.type === "progress") {
      windows.progress(message.final_until);
    } else if (message.type === "skipped") {
      windows.skipped(message.from);
      this.#plans.get(message.plan).delete(name);
      this.#send({ type: "unsubscribe", id: name });
      this.#subscribe(name);
    }
    this.#listener.changed(name);
  }

  #fail(error) {
    if (error.id === null) {
      this.#listener.trouble(error.message);
    } else if (error.retry_after_ms === null) {
      this.#listener.refused(error.id, error.message);
    } else {
      const socket = this.#socket;
      setTimeout(() => socket === this.#socket && this.#subscribe(error.id), error.retry_after_ms);
    }
  }

  #subscribe(name) {
    this.#send({ type: "subscribe", id: name, stream: name, ...this.windows(name).past(this.now(), this.#span) });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }
}

async function fetchStreams() {
  const response = await fetch("v1/streams", { cache: "no-store", signal: AbortSignal.timeout(READY_WITHIN) });
  if (!response.ok) throw new Error(`/v1/streams answered ${response.status}`);
  return (await response.json()).streams;
}

/** What the hub asks in the reason of a close, in milliseconds. */
function retryAfter(reason) {
  try {
    return Math.max(0, JSON.parse(reason).retry_after_ms) || 0;
  } catch {
    return 0;
  }
}
