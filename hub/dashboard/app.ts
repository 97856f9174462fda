// The page: its panels, the one time axis that they share, and its address, which is the view.

import { Hub, HubError, type State } from "./client.ts";
import type { Measurement, Stream } from "./client/messages.ts";
import type { Panel } from "./model/panels.ts";
import { parseQuery } from "./model/query_text.ts";
import { spellQuery } from "./model/spell_query.ts";
import { parseView, SPANS, spellView, type View } from "./model/view_state.ts";
import { h } from "./view/dom.ts";
import { openEditor } from "./view/editor.ts";
import { emptyPage } from "./view/empty.ts";
import { keepPainted } from "./view/painter.ts";
import { type PanelHost, PanelView } from "./view/panel.ts";
import { onThemeChange } from "./view/theme.ts";
import { askForToken, storedToken } from "./view/token.ts";
import { showKeys, TopBar } from "./view/top.ts";

/** The least that the time axis shows, so that the first windows are seen to move. */
const LEAST_SPAN = 60_000;
const SCHEMA_FRESH_MS = 30_000;
const STATUS_EVERY_MS = 250;

export class App implements PanelHost {
  readonly hub: Hub;
  #streams: readonly Stream[] = [];
  #schema: { at: number; measurements: Promise<readonly Measurement[]> } | null = null;
  #view: View = parseView(location.hash);
  #panels: PanelView[] = [];
  #pausedAt: number | null = null;
  #hasStreams = false;
  #top: TopBar;
  #trouble = h("p", { class: "trouble page-trouble", hidden: true, attr: { role: "alert" } });
  #main = h("main");
  #seen = new WeakMap<Element, PanelView>();
  #observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) this.#seen.get(target)?.show(isIntersecting && !document.hidden);
  }, { rootMargin: "150px" });

  constructor() {
    this.hub = new Hub(new URL(".", location.href), { token: storedToken(), state: (state) => this.#connection(state) });
    this.#top = new TopBar({
      add: () => this.#add(),
      pause: () => this.#pause(),
      reset: () => this.#reset(),
      setSpan: (span) => this.#setSpan(span),
      themed: () => this.#recolor(),
    });
    document.body.prepend(this.#top.element, this.#trouble, this.#main);
    onThemeChange(() => this.#recolor());
    addEventListener("hashchange", () => this.#setView(parseView(location.hash)));
    addEventListener("online", () => this.hub.wake());
    addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => this.#observeAnew());
    setInterval(() => this.#showStatus(), STATUS_EVERY_MS);
    keepPainted(() => this.#range(), (from, to) => this.#panels.flatMap((panel) => panel.due(from, to)));
    this.hub.connect();
    void this.#load();
  }

  streams(): readonly Stream[] {
    return this.#streams;
  }

  /** What there is to ask for, not older than half a minute. */
  schema(): Promise<readonly Measurement[]> {
    if (!this.#schema || Date.now() - this.#schema.at > SCHEMA_FRESH_MS) {
      const measurements = this.hub.schema();
      this.#schema = { at: Date.now(), measurements };
      measurements.catch(() => (this.#schema = null));
    }
    return this.#schema.measurements;
  }

  span(): number {
    const { span, zoom } = this.#view;
    return zoom ? Math.max(span, this.hub.now() - zoom.from) : span;
  }

  changed(): void {
    this.#view = { ...this.#view, panels: this.#panels.map(({ panel }) => panel) };
    this.#writeAddress();
  }

  remove(panel: PanelView): void {
    this.#drop(panel);
    this.changed();
    this.#showEmpty();
  }

  edit(panel: PanelView): void {
    openEditor("Edit the query", panel.panel.text, this.#streams, this.schema(), (text) => {
      panel.set({ ...panel.panel, text: this.#withoutSpan(text) });
      this.changed();
    });
  }

  // A property, since charts take it out of this object.
  zoom = (from: number, to: number): void => {
    this.#view = { ...this.#view, zoom: { from, to } };
    this.#writeAddress();
    this.#dirty();
  };

  unzoom = (): void => {
    if (!this.#view.zoom) return;
    this.#view = { ...this.#view, zoom: null };
    this.#writeAddress();
    this.#dirty();
  };

  /** The streams that may be read, and with them the panels. */
  async #load(): Promise<void> {
    try {
      this.#streams = await this.hub.streams();
    } catch (error) {
      const { status, message } = error as HubError;
      if (status === 401 || status === 403) return this.#needToken(message);
      this.#say(message);
      setTimeout(() => void this.#load(), 1_000 + Math.random() * 1_000);
      return;
    }
    this.#say("");
    this.#hasStreams = true;
    this.#setView(this.#view);
  }

  #connection(state: State): void {
    if (state.name === "token") this.#needToken(state.message);
    // Another hub may have been started with other streams.
    if (state.name === "live" && this.hub.losses > 0) void this.#load();
    this.#top?.show(this.#status());
  }

  #needToken(reason: string): void {
    askForToken(reason, (token) => {
      this.hub.authenticate(token);
      this.#schema = null;
      void this.#load();
    });
  }

  /** Show this view: panels that are in both stay as they are. */
  #setView(view: View): void {
    const needsMore = view.span > this.#view.span || (view.zoom !== null && this.#view.zoom === null);
    this.#view = view;
    if (!this.#hasStreams) return;
    const wanted = view.panels ?? this.#streams.map(({ name }): Panel => ({ text: spellQuery(ofStream(name)), view: "chart" }));
    const spare = [...this.#panels];
    this.#panels = wanted.map((panel) => {
      const index = spare.findIndex((old) => old.panel.text === panel.text);
      const [known] = index < 0 ? [] : spare.splice(index, 1);
      if (known) {
        if (known.panel.view !== panel.view) known.set(panel);
        if (needsMore) known.connect();
      }
      return known ?? this.#make(panel);
    });
    for (const panel of spare) this.#drop(panel);
    this.#main.replaceChildren(...this.#panels.map(({ element }) => element));
    this.#showEmpty();
    this.#dirty();
  }

  #make(panel: Panel): PanelView {
    const view = new PanelView(panel, this);
    this.#seen.set(view.element, view);
    this.#observer.observe(view.element);
    view.connect();
    return view;
  }

  #drop(panel: PanelView): void {
    this.#observer.unobserve(panel.element);
    this.#panels = this.#panels.filter((other) => other !== panel);
    panel.destroy();
  }

  #showEmpty(): void {
    this.#main.querySelector(".empty")?.remove();
    if (this.#panels.length === 0) this.#main.append(emptyPage(this.#streams.length > 0, () => this.#add(), () => this.#showAll()));
  }

  #showAll(): void {
    this.#setView({ ...this.#view, panels: null });
    this.#writeAddress();
  }

  #add(): void {
    openEditor("New panel", "", this.#streams, this.schema(), (text) => {
      const panel = this.#make({ text: this.#withoutSpan(text), view: "chart" });
      this.#panels.unshift(panel);
      this.#main.prepend(panel.element);
      this.#showEmpty();
      this.changed();
      panel.element.scrollIntoView({ block: "center" });
    });
  }

  /** What a text says of the past is for the one time axis of all panels. */
  #withoutSpan(text: string): string {
    const asked = parseQuery(text);
    if (asked.lastMs === null) return text;
    this.#setSpan(asked.lastMs);
    return spellQuery({ ...asked, lastMs: null });
  }

  #setSpan(span: number): void {
    this.#pausedAt = null;
    this.#setView({ ...this.#view, panels: this.#view.panels, span, zoom: null });
    this.#writeAddress();
  }

  #pause(): void {
    this.#pausedAt = this.#pausedAt === null ? this.hub.now() : null;
    this.#dirty();
    this.#showStatus();
  }

  #reset(): void {
    this.#pausedAt = null;
    this.unzoom();
    this.#dirty();
    this.#showStatus();
  }

  #writeAddress(): void {
    const hash = spellView(this.#view);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  #key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.matches("input, textarea, select") || (event.key === " " && target.matches("button, summary, a"))) return;
    const span = SPANS[Number(event.key) - 1];
    const keys: Record<string, () => void> = {
      n: () => this.#add(),
      " ": () => this.#pause(),
      t: () => this.#top.nextTheme(),
      "?": showKeys,
      "0": () => this.#reset(),
      ...(span && { [event.key]: () => this.#setSpan(span) }),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** From when to when the time axis goes. */
  #range(): [number, number] {
    if (this.#view.zoom) return [this.#view.zoom.from, this.#view.zoom.to];
    const now = this.#pausedAt ?? this.hub.now();
    const oldest = Math.min(now, ...this.#panels.map(({ columns }) => columns?.oldest ?? now));
    return [now - Math.min(this.#view.span, Math.max(LEAST_SPAN, now - oldest)), now];
  }

  #showStatus(): void {
    // A pause keeps what is on the screen, however long it lasts.
    const keep = Math.min(this.#range()[0], this.hub.now() - this.#view.span) - LEAST_SPAN;
    for (const panel of this.#panels) panel.prune(keep);
    for (const panel of this.#panels) panel.showState(this.hub.state.name === "live");
    this.#top.show(this.#status());
  }

  #status(): Parameters<TopBar["show"]>[0] {
    const latest = Math.max(0, ...this.#panels.map(({ lastWindowAt }) => lastWindowAt));
    return {
      state: this.hub.state,
      losses: this.hub.losses,
      age: latest === 0 ? null : Date.now() - latest,
      late: this.#panels.filter(({ element }) => element.classList.contains("late")).length,
      skipped: this.#panels.reduce((sum, { skipped }) => sum + skipped, 0),
      isPaused: this.#pausedAt !== null,
      isZoomed: this.#view.zoom !== null,
      span: this.#view.span,
    };
  }

  /** A tab in the background sees nothing; what it missed comes when somebody looks again. */
  #observeAnew(): void {
    for (const panel of this.#panels) {
      this.#observer.unobserve(panel.element);
      if (document.hidden) panel.show(false);
      else this.#observer.observe(panel.element);
    }
  }

  #dirty(): void {
    for (const panel of this.#panels) panel.redraw();
  }

  #recolor(): void {
    for (const panel of this.#panels) panel.recolor();
  }

  #say(trouble: string): void {
    this.#trouble.textContent = trouble;
    this.#trouble.hidden = trouble === "";
  }
}

const ofStream = (name: string) => ({ stream: name, plan: null, where: {}, lastMs: null });
