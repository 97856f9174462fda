// The windows of a panel as a table, the newest first; a line of it opens what the window is made of.

import type { Column } from "../client/messages.ts";
import type { Columns } from "../model/columns.ts";
import { describeColumn, formatValue } from "../model/units.ts";
import { h } from "./dom.ts";
import { clock, FLASH_MS } from "./plot.ts";

const MOST_ROWS = 200;
/** Nobody reads faster than this, milliseconds. */
const PAUSE_MS = 250;

export class TableView {
  readonly element: HTMLElement;
  isDirty = true;
  /** When it was written last, by `performance.now`. */
  drawnAt = 0;
  #body = h("tbody");
  #columns: readonly Column[];
  #data: Columns;
  #everyMs: number;
  #explain: (stop: number) => void;

  constructor(name: string, columns: readonly Column[], data: Columns, everyMs: number, explain: (stop: number) => void) {
    this.#columns = columns;
    this.#data = data;
    this.#everyMs = everyMs;
    this.#explain = explain;
    const heads = columns.map((column) => h("th", { scope: "col", class: column.kind === "tag" ? "" : "number" }, column.name));
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "window until"), ...heads, h("th", { scope: "col" }, "state")));
    const table = h("table", {}, h("caption", { class: "unseen" }, `${name}, the newest windows first`), head, this.#body);
    this.element = h("div", { class: "table", tabIndex: 0, attr: { role: "region", "aria-label": `${name}, table` } }, table);
    this.element.addEventListener("click", (event) => this.#open(event.target as Element));
    this.element.addEventListener("keydown", (event) => event.key === "Enter" && this.#open(event.target as Element));
  }

  destroy(): void {}
  recolor(): void {}

  /** Whether there is something new; while somebody marks text in it, nothing is. */
  isDue(): boolean {
    const isMarked = document.getSelection()?.isCollapsed === false && this.element.contains(document.getSelection()?.anchorNode ?? null);
    return this.isDirty && performance.now() - this.drawnAt >= PAUSE_MS && !isMarked;
  }

  /** Write the rows that stopped in `(from, to]`. */
  paint(from: number, to: number): void {
    const now = performance.now();
    const rows: HTMLTableRowElement[] = [];
    const corrected = new Set(this.#data.corrections.filter(({ at }) => now - at < FLASH_MS).map(({ stop }) => stop));
    for (let index = this.#data.windows.length - 1; index >= 0 && rows.length < MOST_ROWS; index -= 1) {
      const { stop, rows: cells, revision } = this.#data.windows[index] ?? { stop: 0, rows: [], revision: 0 };
      if (stop > to) continue;
      if (stop <= from) break;
      const state = this.#data.isFinal(index) ? (revision > 0 ? `final, revision ${revision}` : "final") : "provisional";
      const name = [state.split(",")[0], corrected.has(stop) && "corrected"].filter(Boolean).join(" ");
      for (const row of cells.length > 0 ? cells : [null]) rows.push(this.#row(stop, row, state, name));
    }
    const focused = document.activeElement?.closest("tr");
    this.#body.replaceChildren(...rows.slice(0, MOST_ROWS));
    // Whoever has walked to a line with the keyboard stays there.
    if (focused?.dataset["stop"]) this.#body.querySelector<HTMLElement>(`[data-stop="${focused.dataset["stop"]}"] button`)?.focus();
    this.drawnAt = now;
    this.isDirty = false;
  }

  #row(stop: number, row: readonly unknown[] | null, state: string, name: string): HTMLTableRowElement {
    const cells = this.#columns.map((column, index) => {
      const isTag = column.kind === "tag";
      const value = row?.[index] ?? null;
      const text = isTag ? String(value ?? (row ? "(none)" : "")) : formatValue(value, describeColumn(column).unit);
      return h("td", { class: isTag ? "" : "number" }, text);
    });
    const time = h("td", {}, h("button", { type: "button", title: "What is this window made of?" }, clock(stop, this.#everyMs)));
    const line = h("tr", { class: name }, time, ...cells, h("td", { class: "quiet" }, row ? state : `${state}, no points`));
    line.dataset["stop"] = String(stop);
    return line;
  }

  #open(target: Element): void {
    const stop = target.closest("tr")?.dataset["stop"];
    if (stop) this.#explain(Number(stop));
  }
}
