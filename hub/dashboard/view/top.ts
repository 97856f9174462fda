// The bar at the top: how the connection is, which time is shown, and what can be done with the page.

import type { State } from "../client.ts";
import { formatDuration } from "../model/units.ts";
import { SPANS } from "../model/view_state.ts";
import { dialog, h, icon, iconButton, write } from "./dom.ts";
import { applyTheme, storedTheme, THEMES } from "./theme.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["n", "a new panel"],
  ["Space", "pause, and go on"],
  ["1 … 6", "how much of the past is shown"],
  ["0", "back to what comes now"],
  ["Tab, then ← →", "walk through a chart's windows; Enter explains one"],
  ["drag, double click", "zoom into a chart, and out again"],
  ["t", "light, dark, or as the system has it"],
  ["?", "these keys"],
];

/** What the bar's buttons do. */
export interface TopActions {
  add(): void;
  pause(): void;
  reset(): void;
  setSpan(span: number): void;
  themed(): void;
}

/** What the bar tells. */
export interface Status {
  state: State;
  losses: number;
  /** Milliseconds since the latest window came; null before the first. */
  age: number | null;
  late: number;
  skipped: number;
  isPaused: boolean;
  isZoomed: boolean;
  span: number;
}

export class TopBar {
  readonly element: HTMLElement;
  #state = h("span", { id: "state", attr: { role: "status" } }, "Connecting");
  #facts = h("span", { id: "facts", class: "quiet" });
  #pill: HTMLElement;
  #pause: HTMLButtonElement;
  #reset: HTMLButtonElement;
  #spans: HTMLInputElement[];
  #theme: HTMLButtonElement;
  #actions: TopActions;

  constructor(actions: TopActions) {
    this.#actions = actions;
    this.#pill = h("p", { class: "status" }, h("span", { class: "dot", attr: { "aria-hidden": "true" } }), this.#state, this.#facts);
    this.#pause = iconButton("pause", "Pause", actions.pause);
    this.#reset = h("button", { type: "button", class: "primary", hidden: true, onclick: actions.reset }, "Back to now");
    this.#spans = SPANS.map((span) => h("input", { type: "radio", name: "span", value: String(span), onchange: () => actions.setSpan(span) }));
    const spans = this.#spans.map((input, index) => h("label", {}, input, h("span", {}, formatDuration(SPANS[index] ?? 0))));
    this.#theme = iconButton("system", "", () => this.nextTheme());
    this.element = h(
      "header", { class: "top" },
      h("h1", {}, h("img", { src: "favicon.svg", alt: "", width: 22, height: 22 }), "PXL Hub"),
      this.#pill,
      h("div", { class: "tools" },
        this.#reset,
        h("fieldset", { class: "spans" }, h("legend", { class: "unseen" }, "How much of the past is shown"), ...spans),
        this.#pause,
        this.#theme,
        iconButton("help", "Keys", showKeys),
        h("button", { type: "button", class: "primary", onclick: actions.add }, icon("add"), "Panel"),
      ),
    );
    this.#showTheme();
  }

  /** The next of the themes. */
  nextTheme(): void {
    const theme = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length] ?? "system";
    applyTheme(theme);
    this.#showTheme();
    this.#actions.themed();
  }

  show({ state, losses, age, late, skipped, isPaused, isZoomed, span }: Status): void {
    const isLate = state.name === "live" && late > 0;
    this.#pill.dataset["state"] = isLate ? "late" : state.name;
    write(this.#state, stateText(state, isLate));
    const facts = [
      age !== null && `last window ${age < 10_000 ? (age / 1_000).toFixed(1) : Math.round(age / 1_000)} s ago`,
      losses > 0 && `${losses} ${losses === 1 ? "reconnect" : "reconnects"}`,
      skipped > 0 && `${skipped} skipped`,
    ];
    write(this.#facts, facts.filter(Boolean).join(" · "));
    this.#reset.hidden = !isPaused && !isZoomed;
    write(this.#reset, isPaused && !isZoomed ? "Go on" : "Back to now");
    const label = isPaused ? "Go on" : "Pause";
    if (this.#pause.title !== label) {
      this.#pause.title = label;
      this.#pause.setAttribute("aria-label", label);
      this.#pause.replaceChildren(icon(isPaused ? "play" : "pause"));
    }
    for (const input of this.#spans) input.checked = Number(input.value) === span;
  }

  #showTheme(): void {
    const theme = storedTheme();
    const label = { system: "Theme: as the system has it", light: "Theme: light", dark: "Theme: dark" }[theme];
    this.#theme.title = label;
    this.#theme.setAttribute("aria-label", label);
    this.#theme.replaceChildren(icon(({ system: "system", light: "sun", dark: "moon" } as const)[theme]));
  }
}

function stateText(state: State, isLate: boolean): string {
  switch (state.name) {
    case "waiting":
      return `No connection, next try in ${Math.max(0, Math.ceil((state.until - Date.now()) / 1_000))} s`;
    case "token":
      return "Waiting for a token";
    case "failed":
      return state.message;
    case "live":
      return isLate ? "No new windows" : "Live";
    default:
      return "Connecting";
  }
}

/** Which keys there are. */
export function showKeys(): void {
  const keys = KEYS.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]);
  const contract = h("a", { href: "docs" }, "the contract");
  dialog("Keys", h("dl", { class: "keys" }, ...keys), h("p", {}, "For programs of your own: ", contract, ", to read and to try."));
}
