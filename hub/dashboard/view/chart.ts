// A chart: its plot, its legend, and what it says to those who point at it, press keys on it, or do not see it.

import type uPlot from "uplot";
import { byName, type Chart, constantTags, groupLabel } from "../model/charts.ts";
import type { Columns } from "../model/columns.ts";
import { formatDuration, formatValue } from "../model/units.ts";
import { announce, h, write } from "./dom.ts";
import { clock, FLASH_MS, makePlot } from "./plot.ts";
import { lineColor } from "./theme.ts";

/** A chart draws at most this many lines; what is left out is said. */
const MOST_LINES = 24;
const MOST_IN_TIP = 10;
/** Between two drawings of one chart, milliseconds. */
const LEAST_PAUSE_MS = 80;
/** Between two changes of the legend's values, which nobody reads faster. */
const VALUES_PAUSE_MS = 250;

interface Line {
  key: string;
  label: string;
  values: readonly (number | null)[];
  isHidden: boolean;
}

/** What a chart asks of the panel and page around it. */
export interface ChartHost {
  readonly name: string;
  tagNames(): readonly string[];
  zoom(from: number, to: number): void;
  unzoom(): void;
  explain(stop: number): void;
}

export class ChartView {
  readonly element: HTMLElement;
  isDirty = true;
  /** When it was drawn last, by `performance.now`. */
  drawnAt = 0;
  #chart: Chart;
  #host: ChartHost;
  #columns: Columns;
  #everyMs: number;
  #lines: Line[] = [];
  #left = 0;
  #shape = -1;
  #hidden = new Set<string>();
  #plot: uPlot | null = null;
  #place = h("div", { class: "plot", tabIndex: 0, attr: { role: "group", "aria-roledescription": "chart" } });
  #legend = h("ul", { class: "legend" });
  #tip = h("div", { class: "tip", hidden: true });
  #values: HTMLElement[] = [];
  #cursor: number | null = null;
  #size = { width: 0, height: 0 };
  #paintedAt = 0;
  /** When the legend was written last, by `performance.now`, and whether it is behind. */
  #valuesAt = -Infinity;
  #areValuesOld = false;

  constructor(chart: Chart, columns: Columns, everyMs: number, host: ChartHost) {
    this.#chart = chart;
    this.#host = host;
    this.#columns = columns;
    this.#everyMs = everyMs;
    const caption = [chart.title, chart.unit].filter(Boolean).join(" · ");
    this.#place.setAttribute("aria-label", `${host.name}: ${caption}. Arrow keys read values, Enter explains one.`);
    this.element = h("figure", {}, h("figcaption", {}, caption), this.#place, this.#tip, this.#legend);
    this.#place.addEventListener("keydown", (event) => this.#key(event));
    this.#place.addEventListener("mouseleave", () => (this.#tip.hidden = true));
    this.#place.addEventListener("blur", () => this.#point(null));
    sizes.set(this.#place, this);
    resized.observe(this.#place);
  }

  destroy(): void {
    resized.unobserve(this.#place);
    this.#plot?.destroy();
  }

  resize(width: number, height: number): void {
    this.#size = { width, height };
    this.isDirty = true;
  }

  /** Whether there is something new, something flashes, or time has moved by a pixel; not more often than eyes need. */
  isDue(from: number, to: number): boolean {
    const now = performance.now();
    if (this.#size.width < 100 || now - this.drawnAt < LEAST_PAUSE_MS) return false;
    const last = this.#columns.corrections.at(-1);
    const flashes = last !== undefined && now - last.at < FLASH_MS + 100;
    const owesValues = this.#areValuesOld && now - this.#valuesAt >= VALUES_PAUSE_MS;
    return this.isDirty || flashes || owesValues || (Math.abs(to - this.#paintedAt) / (to - from)) * this.#size.width >= 1;
  }

  /** Draw it. */
  paint(from: number, to: number): void {
    const { width, height } = this.#size;
    if (this.#shape !== this.#columns.shape) this.#reshape();
    const plot = (this.#plot ??= this.#make());
    if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
    // Lines with a value at each pixel are drawn thin: nobody sees the difference, and it costs a fraction.
    const isDense = (to - from) / this.#everyMs > width / 2;
    for (const series of plot.series) series.width = isDense ? 1 : 1.5;
    plot.batch(() => {
      if (this.isDirty) plot.setData([this.#columns.stops, ...this.#lines.map(({ values }) => values)] as uPlot.AlignedData, false);
      plot.setScale("x", { min: from, max: to });
    });
    this.#paintedAt = to;
    this.drawnAt = performance.now();
    this.isDirty = false;
    this.#areValuesOld = this.drawnAt - this.#valuesAt < VALUES_PAUSE_MS;
    if (!this.#areValuesOld) this.#showValues();
  }

  /** Draw anew in other colours. */
  recolor(): void {
    this.#shape = -1;
    this.isDirty = true;
  }

  #make(): uPlot {
    const drawn = () => ({
      unit: this.#chart.unit,
      everyMs: this.#everyMs,
      columns: this.#columns,
      lines: this.#lines,
      firm: this.#columns.provisionalFrom,
    });
    return makePlot(this.#place, this.#size.width, this.#size.height, drawn, {
      zoom: (from, to) => this.#host.zoom(from, to),
      unzoom: () => this.#host.unzoom(),
      cursor: (index) => this.#showCursor(index),
      click: (index) => this.#explain(index),
    });
  }

  /** Groups have come or gone: other lines, another legend, another plot. */
  #reshape(): void {
    this.#shape = this.#columns.shape;
    const groups = [...this.#columns.groups.values()];
    const constant = constantTags(groups.map(({ tags }) => tags));
    const lines = groups.flatMap((group) => {
      const name = groupLabel(this.#host.tagNames(), group.tags, constant);
      return this.#chart.columns.map(({ index, label }) => {
        const key = `${group.key}\n${index}`;
        const values = group.values[index] ?? [];
        return { key, name, index, label: [name, label].filter(Boolean).join(" ") || this.#chart.title, values, isHidden: this.#hidden.has(key) };
      });
    });
    lines.sort((a, b) => byName(a.name, b.name) || a.index - b.index);
    this.#lines = lines.slice(0, MOST_LINES);
    this.#left = lines.length - this.#lines.length;
    this.#plot?.destroy();
    this.#plot = null;
    this.isDirty = true;
    this.#buildLegend();
  }

  #buildLegend(): void {
    this.#values = this.#lines.map(() => h("data"));
    this.#valuesAt = -Infinity;
    const items = this.#lines.map((line, index) => {
      const swatch = h("i");
      swatch.style.backgroundColor = lineColor(index);
      const onclick = (event: MouseEvent): void => this.#toggle(line.key, event.shiftKey);
      const title = "Hide or show; with Shift, show this one alone";
      const attr = { "aria-pressed": String(!line.isHidden) };
      return h("li", {}, h("button", { type: "button", title, onclick, attr }, swatch, h("span", {}, line.label), this.#values[index]));
    });
    this.#legend.replaceChildren(...items);
    if (this.#left > 0) this.#legend.append(h("li", { class: "quiet" }, `and ${this.#left} more; a filter shows them`));
  }

  #toggle(key: string, alone: boolean): void {
    const others = this.#lines.map((line) => line.key).filter((other) => other !== key);
    const isAlone = !this.#hidden.has(key) && others.every((other) => this.#hidden.has(other));
    if (alone) this.#hidden = new Set(isAlone ? [] : others);
    else if (!this.#hidden.delete(key)) this.#hidden.add(key);
    this.#shape = -1;
    this.isDirty = true;
  }

  #showCursor(index: number | null): void {
    this.#cursor = index;
    this.#showValues();
    const isHere = index !== null && this.#place.matches(":hover, :focus-visible");
    this.#tip.hidden = !isHere;
    if (isHere) this.#fillTip(index);
  }

  #showValues(): void {
    this.#valuesAt = performance.now();
    const index = this.#cursor ?? this.#columns.latest;
    this.#lines.forEach(({ values }, line) => write(this.#values[line] as HTMLElement, formatValue(values[index] ?? null, this.#chart.unit)));
  }

  #fillTip(index: number): void {
    const stop = this.#columns.stops[index];
    if (stop === undefined || !this.#plot) return;
    const state = this.#columns.isFinal(index) ? "" : " · provisional";
    const rows = this.#lines
      .map((line, order) => ({ line, order, value: line.values[index] ?? null }))
      .filter(({ line, value }) => !line.isHidden && value !== null)
      .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
    const items = rows.slice(0, MOST_IN_TIP).map(({ line, order, value }) => {
      const swatch = h("i");
      swatch.style.backgroundColor = lineColor(order);
      return h("li", {}, swatch, h("span", {}, line.label), h("data", {}, formatValue(value, this.#chart.unit)));
    });
    if (rows.length > MOST_IN_TIP) items.push(h("li", { class: "quiet" }, `and ${rows.length - MOST_IN_TIP} more`));
    this.#tip.replaceChildren(h("strong", {}, `${clock(stop, this.#everyMs)}${state}`), h("ul", {}, ...items));
    const x = this.#plot.valToPos(stop, "x") + this.#plot.over.offsetLeft;
    const isRight = x > this.#size.width / 2;
    this.#tip.style.left = isRight ? "" : `${x + 14}px`;
    this.#tip.style.right = isRight ? `${this.#size.width - x + 14}px` : "";
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const last = this.#columns.stops.length - 1;
      this.#point(Math.min(last, Math.max(0, (this.#cursor ?? last + 1) + step)));
    } else if (event.key === "Enter" && this.#cursor !== null) {
      this.#explain(this.#cursor);
    } else if (event.key === "Escape") {
      this.#point(null);
    }
  }

  /** Mark a window from the keyboard, and say its values. */
  #point(index: number | null): void {
    const stop = index === null ? undefined : this.#columns.stops[index];
    if (!this.#plot || stop === undefined) {
      this.#plot?.setCursor({ left: -10, top: -10 });
      this.#tip.hidden = true;
      return;
    }
    this.#plot.setCursor({ left: this.#plot.valToPos(stop, "x"), top: 20 });
    const values = this.#lines.filter(({ isHidden }) => !isHidden).slice(0, MOST_IN_TIP);
    const said = values.map(({ label, values: of }) => `${label} ${formatValue(of[index ?? 0] ?? null, this.#chart.unit)}`);
    announce(`${clock(stop, this.#everyMs)}, window of ${formatDuration(this.#everyMs)}: ${said.join(", ")}`);
  }

  #explain(index: number): void {
    const stop = this.#columns.stops[index];
    if (stop !== undefined) this.#host.explain(stop);
  }
}

const sizes = new WeakMap<Element, ChartView>();
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) sizes.get(target)?.resize(Math.floor(contentRect.width), Math.floor(contentRect.height));
});
