// Elements in one expression, and the few that every part of the page needs.

type Child = Node | string | false | null | undefined;
type Properties<Tag extends keyof HTMLElementTagNameMap> = {
  [Key in keyof HTMLElementTagNameMap[Tag] as HTMLElementTagNameMap[Tag][Key] extends (...args: never[]) => unknown
    ? never
    : Key]?: HTMLElementTagNameMap[Tag][Key] | undefined;
};
type Attributes = { class?: string; attr?: Record<string, string> };

/** An element with properties such as `onclick`, attributes, and children; those that are false or null are left out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, properties: Properties<Tag> & Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const { class: name, attr, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (name) element.className = name;
  for (const [key, value] of Object.entries(attr ?? {})) element.setAttribute(key, value);
  element.append(...children.filter((child): child is Node | string => child !== false && child !== null && child !== undefined));
  return element;
}

/** Write a text where it differs, so that nothing is laid out for nothing. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const PATHS = {
  add: "M8 3v10M3 8h10",
  chart: "M2 13h12M3 10l3-4 3 2 4-5",
  close: "M4 4l8 8M12 4l-8 8",
  edit: "M10.5 3.5l2 2L6 12l-3 1 1-3zM9 5l2 2",
  help: "M6 6a2 2 0 1 1 3 1.8c-.7.4-1 .8-1 1.7M8 12v.01",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.500 6.500z",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  play: "M5 3.500l7 4.500-7 4.500z",
  reset: "M3 8a5 5 0 1 0 1.500-3.500L3 6M3 3v3h3",
  sun: "M8 5.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5M8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M3.400 12.600l1-1M11.600 4.400l1-1",
  system: "M2.500 3.500h11v7h-11zM6 13h4",
  table: "M2.500 3.500h11v9h-11zM2.500 6.500h11M6.500 6.500v6",
} as const;

export type Icon = keyof typeof PATHS;

/** A small drawing in the colour of the text around it. */
export function icon(name: Icon): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  picture.classList.add("icon");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}

/** A button that shows a drawing; its name is for those who do not see it, and for who points at it. */
export function iconButton(name: Icon, label: string, onclick: () => void): HTMLButtonElement {
  const attr = { "aria-label": label };
  return h("button", { type: "button", class: "icon-button", title: label, onclick, attr }, icon(name));
}

/** A dialog with a heading and a way to close it; it takes itself out of the page then. */
export function dialog(heading: string, ...children: Child[]): HTMLDialogElement {
  const title = h("h2", { id: "dialog-title" }, heading);
  const element = h(
    "dialog",
    { attr: { "aria-labelledby": "dialog-title" } },
    h("header", {}, title, iconButton("close", "Close", () => element.close())),
    ...children,
  );
  element.addEventListener("close", () => element.remove());
  element.addEventListener("click", (event) => event.target === element && element.close());
  document.body.append(element);
  element.showModal();
  return element;
}

/** A text for screen readers, said as soon as they are silent. */
export function announce(text: string): void {
  const place = document.getElementById("announcer");
  if (place) write(place, text);
}
