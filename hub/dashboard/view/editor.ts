// Where a query is written, with what may follow under it, and all that there is to ask for beside it.

import type { Measurement, Stream } from "../client/messages.ts";
import { complete, type Completion } from "../model/completion.ts";
import { parseQuery } from "../model/query_text.ts";
import { spellName } from "../model/tokens.ts";
import { dialog, h } from "./dom.ts";

/** Ask for a query, beginning with `text`; `done` hears it when it can be read. */
export function openEditor(
  heading: string, text: string, streams: readonly Stream[], schema: Promise<readonly Measurement[]>, done: (text: string) => void,
): void {
  const editor = new Editor(text, streams, (query) => (element.close(), done(query)));
  const element = dialog(heading, editor.element);
  element.classList.add("editor");
  editor.focus();
  schema.then((known) => editor.know(known), (error: Error) => editor.say(error.message));
}

class Editor {
  readonly element: HTMLElement;
  #streams: readonly Stream[];
  #schema: readonly Measurement[] = [];
  #done: (text: string) => void;
  #completion: Completion = { from: 0, to: 0, options: [] };
  #active = -1;
  #list = h("ul", { id: "options", class: "options", hidden: true, attr: { role: "listbox", "aria-label": "What may follow" } });
  #message = h("p", { class: "quiet", attr: { role: "status" } });
  #browser = h("div", { class: "browser" }, h("p", { class: "quiet" }, "Asking the hub what there is …"));
  #input: HTMLInputElement;

  constructor(text: string, streams: readonly Stream[], done: (text: string) => void) {
    this.#streams = streams;
    this.#done = done;
    const attr = {
      "aria-label": "Query", role: "combobox", "aria-controls": "options", "aria-autocomplete": "list", "aria-expanded": "false",
      autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    };
    this.#input = h("input", { value: text, placeholder: "measurement field:mean,p95 where tag=value by tag 10s", attr });
    this.#input.addEventListener("input", () => this.#suggest());
    this.#input.addEventListener("click", () => this.#suggest());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    const onsubmit = (event: SubmitEvent): void => (event.preventDefault(), this.#submit());
    const form = h("form", { onsubmit }, h("div", { class: "combobox" }, this.#input, this.#list), h("button", { class: "primary" }, "Show"));
    this.element = h("div", {}, form, this.#message, this.#browser);
  }

  focus(): void {
    this.#input.focus();
    this.#input.setSelectionRange(this.#input.value.length, this.#input.value.length);
    this.#suggest();
  }

  /** What there is to ask for has come. */
  know(schema: readonly Measurement[]): void {
    this.#schema = schema;
    this.#browser.replaceChildren(...this.#browse());
    this.#suggest();
  }

  say(message: string): void {
    this.#browser.replaceChildren(h("p", { class: "trouble" }, message));
  }

  #browse(): Node[] {
    if (this.#schema.length === 0) return [h("p", { class: "quiet" }, "No device has written anything yet that you may read.")];
    const sections = this.#schema.map(({ name, fields, tags }) => {
      const group = tags[0] ? ` by ${spellName(tags[0].name)}` : "";
      const buttons = fields.map(({ name: field, kinds }) => {
        const isText = kinds.every((kind) => kind === "string" || kind === "boolean");
        const text = `${spellName(name)} ${spellName(field)}:${isText ? "last" : "mean"}${group} 1s`;
        return h("button", { type: "button", class: "toggle", title: text, onclick: () => this.#put(text) }, field);
      });
      const note = tags.length > 0 && h("span", { class: "quiet" }, `tags: ${tags.map((tag) => tag.name).join(", ")}`);
      return h("section", {}, h("h3", {}, name, " ", note), h("p", { class: "toggles" }, ...buttons));
    });
    return sections;
  }

  #put(text: string): void {
    this.#input.value = text;
    this.#input.focus();
    this.#suggest();
    this.#close();
  }

  #suggest(): void {
    const cursor = this.#input.selectionStart ?? this.#input.value.length;
    this.#completion = complete(this.#input.value, cursor, this.#schema, this.#streams);
    this.#active = -1;
    const options = this.#completion.options.map(({ text, hint }, index) => {
      const onmousedown = (event: MouseEvent): void => (event.preventDefault(), this.#accept(index));
      return h("li", { id: `option-${index}`, onmousedown, attr: { role: "option" } }, h("code", {}, text), h("span", { class: "quiet" }, hint));
    });
    this.#list.replaceChildren(...options);
    this.#list.hidden = options.length === 0;
    this.#input.setAttribute("aria-expanded", String(options.length > 0));
    this.#mark();
    this.#check();
  }

  #key(event: KeyboardEvent): void {
    const count = this.#list.hidden ? 0 : this.#completion.options.length;
    if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : this.#active < 0 ? 0 : -1) + count) % count;
      this.#mark();
    } else if (count > 0 && (event.key === "Tab" || (event.key === "Enter" && this.#active >= 0)) && !event.shiftKey) {
      event.preventDefault();
      this.#accept(Math.max(0, this.#active));
    } else if (event.key === "Escape" && count > 0) {
      event.preventDefault();
      this.#close();
    }
  }

  #accept(index: number): void {
    const option = this.#completion.options[index];
    if (!option) return;
    const { value } = this.#input;
    const before = value.slice(0, this.#completion.from) + option.text;
    this.#input.value = before + value.slice(this.#completion.to);
    this.#input.setSelectionRange(before.length, before.length);
    this.#suggest();
  }

  #mark(): void {
    [...this.#list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === this.#active)));
    if (this.#active >= 0) this.#input.setAttribute("aria-activedescendant", `option-${this.#active}`);
    else this.#input.removeAttribute("aria-activedescendant");
    this.#list.children[this.#active]?.scrollIntoView({ block: "nearest" });
  }

  #close(): void {
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
  }

  /** What keeps the text from being shown; null where nothing does. */
  #check(): string | null {
    try {
      parseQuery(this.#input.value);
    } catch (error) {
      const { message } = error as Error;
      this.#message.textContent = this.#input.value.trim() === "" ? "Write a query, or choose a field below." : message;
      this.#message.className = "quiet";
      return message;
    }
    this.#message.textContent = "Enter shows it.";
    return null;
  }

  #submit(): void {
    if (this.#check() === null) this.#done(this.#input.value.trim());
    else this.#message.className = "trouble";
  }
}
