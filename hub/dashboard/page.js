// The page: a card for each stream, a chart for each of its units, and the state of the connection.

import { drawChart, pixelsPerMillisecond, timeAt } from "./chart.js";
import { chartsOf, constantTags, linesOf } from "./lines.js";
import { Live } from "./live.js";
import { formatDuration, formatValue } from "./model/units.ts";

/** What of the past is asked for, and the least that the time axis shows. */
const SPAN = 5 * 60_000;
const LEAST_SPAN = 60_000;
const COLORS = 8;

const byId = (id) => document.getElementById(id);
const instantiate = (id) => byId(id).content.firstElementChild.cloneNode(true);
const cards = new Map();
let palette = readPalette();
let hover = null;

/** The colours in force; they change with the system's scheme. */
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: color("quiet"),
    strong: color("text"),
    grid: color("grid"),
    background: color("card"),
    lines: Array.from({ length: COLORS }, (_, index) => color(`line-${index + 1}`)),
  };
}

/** A chart of a card: its canvas, its legend, and the lines as last made from the windows. */
class Figure {
  isVisible = false;
  isDirty = true;
  #drawnAt = 0;
  #lines = [];
  #values = [];

  constructor(card, chart) {
    this.card = card;
    this.chart = chart;
    this.element = instantiate("figure");
    this.canvas = this.element.querySelector("canvas");
    this.legend = this.element.querySelector("ul");
    this.element.querySelector("figcaption").textContent = [chart.title, chart.unit].filter(Boolean).join(" · ");
    this.canvas.setAttribute("aria-label", `${card.name}: ${chart.title}, the last ${formatDuration(SPAN)}`);
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => setHover(null));
    observer.observe(this.canvas);
    resized.observe(this.canvas);
  }

  #point(event) {
    const now = live.now();
    const time = timeAt(event.offsetX, this.canvas.clientWidth, now - span(now), now);
    const every = this.card.everyMs;
    setHover(Math.round(time / every) * every);
  }

  /** Make the lines anew from the windows. */
  update(windows, hidden) {
    const { columns, everyMs } = this.card;
    const { lines, left } = linesOf(this.chart, columns, windows.all, (window) => windows.isProvisional(window), hidden);
    lines.forEach((line, index) => {
      line.color = palette.lines[index % COLORS] + (index < COLORS ? "" : "99");
      line.every = everyMs;
    });
    const labels = (list) => list.map((line) => line.label + line.color).join("\n");
    if (labels(lines) !== labels(this.#lines)) this.#buildLegend(lines, left);
    this.#lines = lines;
    this.isDirty = true;
  }

  #buildLegend(lines, left) {
    this.#values = lines.map(() => document.createElement("data"));
    const items = lines.map((line, index) => {
      const item = document.createElement("li");
      const swatch = document.createElement("i");
      swatch.style.backgroundColor = line.color;
      item.append(swatch, Object.assign(document.createElement("span"), { textContent: line.label }), this.#values[index]);
      return item;
    });
    this.legend.replaceChildren(...items);
    if (left > 0) this.legend.append(Object.assign(document.createElement("li"), { textContent: `and ${left} more` }));
  }

  /** Draw, if there is something new or time has moved by a pixel. */
  draw(now) {
    const shown = span(now);
    const moved = (now - this.#drawnAt) * pixelsPerMillisecond(this.canvas, shown) * devicePixelRatio;
    if (!this.isVisible || (!this.isDirty && moved < 1)) return;
    const time = hover;
    const from = now - shown;
    const lines = this.#lines.map((line) => ({ ...line, points: line.points.filter((p) => p.time > from - line.every) }));
    drawChart(this.canvas, { lines, from, to: now, unit: this.chart.unit, hover: time, palette });
    this.#values.forEach((element, index) => {
      const { points } = this.#lines[index];
      const point = time === null ? points.at(-1) : points.find((p) => p.time === time);
      element.textContent = formatValue(point?.value ?? null, this.chart.unit);
    });
    this.#drawnAt = now;
    this.isDirty = false;
  }
}

/** A stream's card. */
class Card {
  columns = [];
  everyMs = 1_000;
  figures = [];
  isDirty = false;
  #shape = "";

  constructor(name) {
    this.name = name;
    this.element = instantiate("card");
    this.element.querySelector("h2").textContent = name;
    this.trouble = this.element.querySelector(".trouble");
    byId("streams").append(this.element);
  }

  /** What the stream's rows are made of; the charts are made anew when that has changed. */
  describe({ measurement, columns, window_ms: windowMs, every_ms: everyMs }) {
    this.measurement = measurement ?? this.measurement;
    const shape = JSON.stringify([columns, windowMs, everyMs]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.columns = columns;
    this.windowMs = windowMs;
    this.everyMs = everyMs;
    for (const figure of this.figures) figure.element.remove();
    this.figures = chartsOf(columns).map((chart) => new Figure(this, chart));
    this.element.append(...this.figures.map((figure) => figure.element));
    this.isDirty = true;
  }

  update() {
    if (!this.isDirty) return;
    this.isDirty = false;
    const windows = live.windows(this.name);
    const constant = constantTags(this.columns, windows.all);
    const hidden = new Set(constant.map(({ index }) => index));
    const grouped = this.columns.filter(({ kind }, index) => kind === "tag" && !hidden.has(index));
    this.element.querySelector(".what").textContent = [
      this.measurement !== this.name && this.measurement,
      ...constant.map(({ name, value }) => `${name} ${value ?? "(none)"}`),
      grouped.length > 0 && `by ${grouped.map(({ name }) => name).join(", ")}`,
      formatDuration(this.windowMs) + (this.windowMs > this.everyMs ? ` windows every ${formatDuration(this.everyMs)}` : " windows"),
    ].filter(Boolean).join(" · ");
    for (const figure of this.figures) figure.update(windows, hidden);
  }

  setTrouble(reason) {
    this.trouble.textContent = reason;
    this.trouble.hidden = reason === "";
  }
}

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    for (const figure of allFigures()) if (figure.canvas === target) figure.isVisible = isIntersecting;
  }
});
const resized = new ResizeObserver(redrawAll);

function* allFigures() {
  for (const card of cards.values()) yield* card.figures;
}

function redrawAll() {
  for (const figure of allFigures()) figure.isDirty = true;
}

/** What the one time axis of all charts shows: at first little, so that the first windows are seen to move. */
function span(now) {
  let oldest = now;
  for (const name of cards.keys()) oldest = Math.min(oldest, live.windows(name).oldestWithRows ?? now);
  return Math.min(SPAN, Math.max(LEAST_SPAN, now - oldest));
}

function setHover(time) {
  if (time === hover) return;
  hover = time;
  redrawAll();
}

const status = { state: "connecting", until: 0 };
const live = new Live(SPAN, {
  streams(streams) {
    const names = new Set(streams.map(({ name }) => name));
    for (const [name, card] of cards) if (!names.has(name)) card.element.remove(), cards.delete(name);
    for (const stream of streams) {
      if (!cards.has(stream.name)) cards.set(stream.name, new Card(stream.name));
      cards.get(stream.name).describe(stream);
    }
    byId("streams").querySelector(".empty")?.remove();
    if (streams.length === 0) byId("streams").append(instantiate("empty"));
  },
  subscribed(name, message) {
    cards.get(name).setTrouble("");
    cards.get(name).describe(message);
  },
  changed(name) {
    cards.get(name).isDirty = true;
    setTrouble("");
  },
  refused(name, reason) {
    cards.get(name).setTrouble(reason);
  },
  trouble: setTrouble,
  status(state, { until = 0 } = {}) {
    Object.assign(status, { state, until });
    showStatus();
  },
});

function setTrouble(reason) {
  byId("trouble").textContent = reason;
  byId("trouble").hidden = reason === "";
}

/** The connection's state in words; checked each quarter of a second, written when it differs. */
function showStatus() {
  const age = live.lastWindowAt === null ? null : Date.now() - live.lastWindowAt;
  const isLate = status.state === "live" && live.isLate;
  const wait = Math.max(0, Math.ceil((status.until - Date.now()) / 1_000));
  byId("status").dataset.state = isLate ? "late" : status.state;
  write("state", { connecting: "Connecting", live: isLate ? "No new windows" : "Live", waiting: `No connection, next try in ${wait} s` }[status.state]);
  write("freshness", age === null ? "" : `last window ${age < 10_000 ? (age / 1_000).toFixed(1) : Math.round(age / 1_000)} s ago`);
  write("reconnects", live.reconnects === 0 ? "" : `${live.reconnects} ${live.reconnects === 1 ? "reconnect" : "reconnects"}`);
}

function write(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function frame() {
  const now = live.now();
  for (const card of cards.values()) card.update();
  for (const figure of allFigures()) figure.draw(now);
  requestAnimationFrame(frame);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  palette = readPalette();
  for (const card of cards.values()) card.isDirty = true;
});
setInterval(showStatus, 250);
requestAnimationFrame(frame);
live.run();
