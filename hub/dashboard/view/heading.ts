// The head of a panel: its name, its actions, and buttons that say what is asked and change it in place.

import type { Measurement, Stream } from "../client/messages.ts";
import { changeFilter, changePlan, type Panel, resolve } from "../model/panels.ts";
import { parseQuery } from "../model/query_text.ts";
import { spellFilter } from "../model/spell_query.ts";
import { formatDuration } from "../model/units.ts";
import { h, icon, iconButton, write } from "./dom.ts";
import { aggregatesMenu, type Changing, filterMenu, groupMenu, openMenu, windowMenu } from "./menus.ts";

/** What a heading needs of the panel and page around it. */
export interface HeadingHost {
  streams(): readonly Stream[];
  schema(): Promise<readonly Measurement[]>;
  /** Show this instead. */
  change(panel: Panel): void;
  edit(): void;
  remove(): void;
}

export class PanelHeading {
  readonly element: HTMLElement;
  readonly chips = h("div", { class: "chips" });
  #host: HeadingHost;
  #panel: Panel;
  #title = h("h2");
  #viewButton = iconButton("table", "Show as table", () => this.#switchView());

  constructor(panel: Panel, host: HeadingHost) {
    this.#panel = panel;
    this.#host = host;
    const actions = h(
      "div", { class: "actions" },
      iconButton("edit", "Edit the query", () => host.edit()),
      this.#viewButton,
      iconButton("close", "Remove this panel", () => host.remove()),
    );
    this.element = h("header", {}, this.#title, actions);
  }

  /** A stream's name, the measurement of a query, or a text that cannot be read. */
  get name(): string {
    return this.#title.textContent ?? "";
  }

  /** What the panel asks as a plan and a filter; null where that cannot be read, or is a stream nobody knows. */
  get current(): ReturnType<typeof resolve> {
    try {
      return resolve(parseQuery(this.#panel.text), this.#host.streams());
    } catch {
      return null; // the panel says the trouble
    }
  }

  /** Say what this panel asks; the heading is empty before. */
  show(panel: Panel): void {
    this.#panel = panel;
    const { current } = this;
    const isTable = panel.view === "table";
    const label = isTable ? "Show as chart" : "Show as table";
    this.#viewButton.replaceChildren(icon(isTable ? "chart" : "table"));
    this.#viewButton.title = label;
    this.#viewButton.setAttribute("aria-label", label);
    write(this.#title, current ? titleOf(panel.text, this.#host.streams()) : panel.text);
    if (!current) return this.chips.replaceChildren();
    const { plan, where } = current;
    const over = plan.windowMs === plan.everyMs ? "" : `over ${formatDuration(plan.windowMs)} `;
    const changing = this.#changing();
    this.chips.replaceChildren(
      this.#chip(selectText(plan.select), "Change fields and aggregates", (measurement) => aggregatesMenu(changing, measurement)),
      this.#chip(plan.groupBy.length > 0 ? `by ${plan.groupBy.join(", ")}` : "no groups", "Change the groups", (measurement) => groupMenu(changing, measurement)),
      this.#chip(Object.keys(where).length > 0 ? spellFilter(where) : "+ filter", "Change the filter", (measurement) => filterMenu(changing, measurement)),
      this.#chip(`${over}every ${formatDuration(plan.everyMs)}`, "Change the window", () => windowMenu(changing)),
    );
  }

  #switchView(): void {
    this.#host.change({ ...this.#panel, view: this.#panel.view === "chart" ? "table" : "chart" });
  }

  #chip(text: string, label: string, content: (measurement: Measurement | undefined) => Node): HTMLElement {
    const attr = { "aria-haspopup": "dialog", "aria-label": `${text}. ${label}` };
    const button = h("button", { type: "button", class: "chip", title: label, attr }, text);
    button.onclick = async () => {
      const measurement = this.current?.plan.measurement;
      const schema = await this.#host.schema().catch(() => []); // without it, what is chosen can still be changed
      openMenu(button, label, content(schema.find(({ name }) => name === measurement)));
    };
    return button;
  }

  #changing(): Changing {
    const set = (text: string): void => {
      if (text !== this.#panel.text) this.#host.change({ ...this.#panel, text });
    };
    return {
      current: () => this.current,
      change: (change) => set(changePlan(this.#panel.text, this.#host.streams(), change)),
      filter: (tag, values) => set(changeFilter(this.#panel.text, tag, values)),
    };
  }
}

/** Which fields and aggregates, in few words. */
function selectText(select: Record<string, string[]>): string {
  const fields = Object.entries(select);
  const [first] = fields;
  if (!first) return "";
  const names = [...new Set(fields.flatMap(([, aggregates]) => aggregates))].join(", ");
  return fields.length === 1 ? `${first[0]}: ${names}` : `${fields.length} fields: ${names}`;
}

/** A stream's name, or the measurement of a query. */
function titleOf(text: string, streams: readonly Stream[]): string {
  const { stream, plan } = parseQuery(text);
  return streams.find(({ name }) => name === stream)?.name ?? plan?.measurement ?? text;
}
