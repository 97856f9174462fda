// Where the page asks for a token, when the hub does.

import { dialog, h } from "./dom.ts";

const STORED = "pxl-hub.token";

/** The token of this tab; it is forgotten when the tab is closed, and is never part of an address. */
export const storedToken = (): string | null => sessionStorage.getItem(STORED);

let open: HTMLDialogElement | null = null;

/** Ask for a token, unless that is being done; `done` hears it. */
export function askForToken(reason: string, done: (token: string) => void): void {
  if (open) return;
  const input = h("input", { type: "password", required: true, autocomplete: "off", attr: { "aria-label": "Token" } });
  const onsubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = input.value.trim();
    sessionStorage.setItem(STORED, token);
    open?.close();
    done(token);
  };
  const form = h("form", { onsubmit }, input, h("button", { class: "primary" }, "Continue"));
  const note = "Whoever runs the hub can give you one. It is kept in this tab alone, until you close it.";
  open = dialog("This hub asks for a token", h("p", { class: "trouble" }, reason), form, h("p", { class: "quiet" }, note));
  open.classList.add("token");
  open.addEventListener("close", () => (open = null));
  input.focus();
}
