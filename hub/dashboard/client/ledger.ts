// What one subscription has received over all its connections: which windows are news, and what to ask for next. Pure.

import type { Request, Window } from "./messages.ts";

/** Windows whose revision is remembered; one that comes again after it was forgotten is told twice. */
const REMEMBERED = 10_000;

/** The part of a subscribe message that says which of the past is wanted. */
export type Past = { history?: string; after?: number; seen?: number };

/**
 * Within one session the highest revision of a window holds; in a new session the first received replaces the old.
 * Until the hub has said that the subscription is live, only its history counts for how far it has got.
 */
export class Ledger {
  /** Every window that stopped by then is final as last received, or was not asked for; null while that is unknown. */
  finalUntil: number | null;
  isLive = false;
  #wanted: Pick<Request, "history" | "after">;
  #session = "";
  #seen: number | null = null;
  #seenMeanwhile = 0;
  #known = new Map<number, { session: string; revision: number }>();

  constructor(wanted: Pick<Request, "history" | "after">) {
    this.#wanted = wanted;
    this.finalUntil = wanted.after ?? null;
  }

  /** A request is about to be made in this session, which the hub began at `time`. */
  asks(session: string, time: number): Past {
    this.#session = session;
    this.isLive = false;
    const past = this.#past();
    // Whoever has seen no window yet has seen none of what is sent from now on.
    this.#seen ??= time;
    this.#seenMeanwhile = this.#seen;
    return past;
  }

  #past(): Past {
    if (this.#seen !== null && this.finalUntil !== null) return { after: this.finalUntil, seen: this.#seen };
    if (this.#wanted.after !== undefined) return { after: this.#wanted.after };
    return this.#wanted.history === undefined ? {} : { history: this.#wanted.history };
  }

  /** Those windows of a part of the history that are news. */
  history(windows: readonly Window[]): Window[] {
    this.finalUntil ??= windows[0] ? windows[0].stop - 1 : null;
    for (const window of windows) {
      if (!window.final) break;
      this.finalUntil = Math.max(this.finalUntil ?? window.stop, window.stop);
    }
    return windows.filter((window) => this.#isNews(window));
  }

  /** The history is complete: every window that stops after `from` comes by itself. */
  live(from: number): void {
    this.isLive = true;
    this.finalUntil ??= from;
    this.#seen = this.#seenMeanwhile;
  }

  /** Whether a live window is news. */
  window(window: Window): boolean {
    this.#seenMeanwhile = Math.max(this.#seenMeanwhile, window.sent ?? 0);
    if (this.isLive) this.#seen = this.#seenMeanwhile;
    return this.#isNews(window);
  }

  /** Every window that stopped by this time is final as last sent; whether that says something new. */
  progress(finalUntil: number): boolean {
    if (!this.isLive || finalUntil <= (this.finalUntil ?? -Infinity)) return false;
    this.finalUntil = finalUntil;
    return true;
  }

  /** Windows from this time on were left out: the next request asks for them. */
  skipped(from: number): void {
    this.finalUntil = Math.min(this.finalUntil ?? from, from - 1);
  }

  #isNews({ stop, revision }: Window): boolean {
    const known = this.#known.get(stop);
    if (known?.session === this.#session && revision <= known.revision) return false;
    this.#known.delete(stop);
    this.#known.set(stop, { session: this.#session, revision });
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as number);
    return true;
  }
}
