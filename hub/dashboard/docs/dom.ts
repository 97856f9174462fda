// Making elements; text is only ever text.

import { type Block, type Span, blocks } from "./prose.ts";

export type Child = Node | string | null;
type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (typeof value === "string") element.setAttribute(key, value);
    else element.toggleAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function prose(text: string): Node[] {
  return blocks(text).map(blockOf);
}

function blockOf(block: Block): Node {
  if (block.kind === "paragraph") return make("p", {}, ...inline(block.spans));
  if (block.kind === "list") return make("ul", {}, ...block.items.map((item) => make("li", {}, ...inline(item))));
  return table(block.head, block.rows.map((row) => row.map((cell) => inline(cell))));
}

export function table(head: readonly string[], rows: readonly (readonly Child[])[][]): HTMLElement {
  const heading = make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, ...cell))));
  const whole = make("table", {}, make("thead", {}, heading), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": head.join(", ") }, whole);
}

export function inline(spans: readonly Span[]): Child[] {
  return spans.map((span) => (span.code ? make("code", {}, span.text) : span.text));
}

/** A value as it is read best: JSON on several lines, and text as it stands. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export function code(text: string): HTMLElement {
  return make("pre", { tabindex: "0" }, make("code", {}, text));
}

export function fold(title: string, ...children: Child[]): HTMLElement {
  return make("details", {}, make("summary", {}, title), ...children);
}
