// A panel: one subscription, its charts or its table, and what can be changed in place.

import type { Hub, Subscription } from "../client.ts";
import type { Description, Measurement, Stream, Window } from "../client/messages.ts";
import { chartsOf } from "../model/charts.ts";
import { Columns } from "../model/columns.ts";
import { type Panel, requestOf } from "../model/panels.ts";
import { formatDuration } from "../model/units.ts";
import { ChartView } from "./chart.ts";
import { h, write } from "./dom.ts";
import { showExplanation } from "./explain.ts";
import { PanelHeading } from "./heading.ts";
import { FLASH_MS } from "./plot.ts";
import { TableView } from "./table.ts";

/** How long a panel may be out of sight before the hub is told to send it nothing. */
const PATIENCE_MS = 2_000;
/** How late a window may be before that is said. */
const LATE_MS = 4_000;

/** What a panel needs of the page. */
export interface PanelHost {
  readonly hub: Hub;
  streams(): readonly Stream[];
  schema(): Promise<readonly Measurement[]>;
  /** How much of the past a panel has to have, milliseconds. */
  span(): number;
  changed(): void;
  remove(panel: PanelView): void;
  edit(panel: PanelView): void;
  zoom(from: number, to: number): void;
  unzoom(): void;
}

export class PanelView {
  readonly element: HTMLElement;
  panel: Panel;
  isVisible = false;
  columns: Columns | null = null;
  everyMs = 1_000;
  lastWindowAt = 0;
  skipped = 0;
  #host: PanelHost;
  #subscription: Subscription | null = null;
  #description: Description | null = null;
  #span = 0;
  #isLoading = true;
  #shape = "";
  #names = "";
  #views: (ChartView | TableView)[] = [];
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #heading: PanelHeading;
  #note = h("p", { class: "note quiet", hidden: true });
  #trouble = h("p", { class: "trouble", hidden: true, attr: { role: "alert" } });
  #body = h("div", { class: "body" });

  constructor(panel: Panel, host: PanelHost) {
    this.panel = panel;
    this.#host = host;
    this.#heading = new PanelHeading(panel, {
      streams: () => host.streams(),
      schema: () => host.schema(),
      change: (changed) => (this.set(changed), host.changed()),
      edit: () => host.edit(this),
      remove: () => host.remove(this),
    });
    const { element, chips } = this.#heading;
    this.element = h("section", { class: "panel" }, element, chips, this.#trouble, this.#note, this.#body);
    this.#showHeading();
  }

  /** Show another query or in another way. */
  set(panel: Panel): void {
    const isAnother = panel.text !== this.panel.text;
    this.panel = panel;
    this.#showHeading();
    if (isAnother) this.connect();
    else this.#build();
  }

  /** Subscribe anew, as when the query or the span is another. */
  connect(): void {
    this.disconnect();
    this.#span = this.#host.span();
    this.#description = null;
    this.columns = null;
    this.#shape = "";
    this.skipped = 0;
    this.#isLoading = true;
    this.lastWindowAt = 0;
    this.#say("");
    try {
      const request = requestOf(this.panel.text, this.#host.streams(), this.#span);
      this.#subscription = this.#host.hub.subscribe(request, {
        described: (description) => this.#described(description),
        windows: (windows) => this.#take(windows),
        live: () => (this.#isLoading = false),
        progress: (until) => this.#progress(until),
        skipped: (windows) => (this.skipped += windows),
        failed: (error) => this.#say(error.message),
      });
      if (!this.isVisible) this.#suspendSoon();
    } catch (error) {
      this.#say((error as Error).message);
    }
  }

  disconnect(): void {
    clearTimeout(this.#hiding);
    if (this.#subscription) this.#host.hub.unsubscribe(this.#subscription);
    this.#subscription = null;
  }

  destroy(): void {
    this.disconnect();
    for (const view of this.#views) view.destroy();
    this.element.remove();
  }

  /** Whether the panel can be seen: what nobody sees costs nothing, here and on the hub. */
  show(isVisible: boolean): void {
    this.isVisible = isVisible;
    clearTimeout(this.#hiding);
    if (!isVisible) return this.#suspendSoon();
    const subscription = this.#subscription;
    if (!subscription?.isSuspended) return;
    const missed = this.#host.hub.now() - (subscription.finalUntil ?? 0);
    if (missed > this.#span) this.connect();
    else this.#host.hub.resume(subscription);
  }

  /** What of it is to be drawn now, where `from` and `to` are the ends of the time axis. */
  due(from: number, to: number): (ChartView | TableView)[] {
    return this.isVisible && this.columns ? this.#views.filter((view) => view.isDue(from, to)) : [];
  }

  /** Forget windows that stopped before this time, and corrections that have been seen. */
  prune(before: number): void {
    if (!this.columns) return;
    const now = performance.now();
    this.columns.corrections = this.columns.corrections.filter(({ at }) => now - at < FLASH_MS + 1_000);
    this.columns.prune(before);
  }

  /** Draw everything at the next frame, as when the time axis is another. */
  redraw(): void {
    this.#dirty();
  }

  recolor(): void {
    for (const view of this.#views) view.recolor();
  }

  /** Say what is not as it should be; called a few times a second. */
  showState(isConnected: boolean): void {
    const silent = Date.now() - this.lastWindowAt;
    const grace = this.#description?.grace_ms ?? 0;
    const isLate = isConnected && this.isVisible && this.lastWindowAt > 0 && silent > this.everyMs + grace + LATE_MS;
    const stretched = this.#description !== null && this.#stretched();
    const isEmpty = !this.#isLoading && this.columns !== null && this.columns.stops.length > 0 && this.columns.oldest === Infinity;
    const notes = [
      this.#isLoading && this.#description !== null && "Loading the past …",
      isEmpty && "No points in this span yet; lines appear as soon as a device sends some.",
      isLate && `No new window for ${Math.round(silent / 1_000)} s.`,
      this.skipped > 0 && `${this.skipped} windows were skipped because this page was too slow, and fetched again.`,
      stretched && `Windows of ${formatDuration(this.everyMs)}, so that this span can be drawn.`,
    ].filter(Boolean);
    write(this.#note, notes.join(" "));
    this.#note.hidden = notes.length === 0;
    this.element.classList.toggle("late", isLate);
  }

  #stretched(): boolean {
    const plan = this.#heading.current?.plan;
    return plan !== undefined && plan.everyMs !== this.everyMs;
  }

  #suspendSoon(): void {
    this.#hiding = setTimeout(() => this.#subscription && this.#host.hub.suspend(this.#subscription), PATIENCE_MS);
  }

  #described(description: Description): void {
    this.#say("");
    this.#description = description;
    this.everyMs = description.every_ms;
    const shape = JSON.stringify([description.columns, description.every_ms, description.window_ms]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    // A field of which the kind has become known has the same place: what was received stays.
    const names = JSON.stringify(description.columns.map(({ name }) => name));
    if (!this.columns || names !== this.#names) this.columns = new Columns(description.columns);
    this.#names = names;
    this.#build();
  }

  #take(windows: readonly Window[]): void {
    const now = performance.now();
    this.lastWindowAt = Date.now();
    this.#say("");
    for (const window of windows) this.columns?.take(window, now);
    this.#dirty();
  }

  #progress(until: number): void {
    if (this.columns) this.columns.finalUntil = until;
    this.#dirty();
  }

  #dirty(): void {
    for (const view of this.#views) view.isDirty = true;
  }

  /** Make the charts or the table for the columns that there are. */
  #build(): void {
    for (const view of this.#views) view.destroy();
    this.#views = [];
    const { columns } = this;
    if (!this.#description || !columns) return;
    const described = this.#description.columns;
    const { name } = this.#heading;
    const explain = (stop: number): void => this.#explain(stop);
    if (this.panel.view === "table") {
      this.#views = [new TableView(name, described, columns, this.everyMs, explain)];
    } else {
      const tagNames = columns.tagIndexes.map((index) => described[index]?.name ?? "");
      const { zoom, unzoom } = this.#host;
      const host = { name, tagNames: () => tagNames, explain, zoom, unzoom };
      this.#views = chartsOf(described).map((chart) => new ChartView(chart, columns, this.everyMs, host));
    }
    if (this.#views.length === 0) this.#body.replaceChildren(h("p", { class: "quiet" }, "Texts cannot be drawn; show this as a table."));
    else this.#body.replaceChildren(...this.#views.map(({ element }) => element));
  }

  #explain(stop: number): void {
    if (!this.#subscription || !this.#description) return;
    void showExplanation(this.#heading.name, this.#description.columns, stop, this.#subscription.explain(stop));
  }

  #showHeading(): void {
    this.#heading.show(this.panel);
    this.element.setAttribute("aria-label", this.#heading.name);
  }

  #say(trouble: string): void {
    write(this.#trouble, trouble);
    this.#trouble.hidden = trouble === "";
  }
}
