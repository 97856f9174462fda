// Light or dark: as the system has it, or as chosen here; and the colours for what is drawn on canvases.

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const STORED = "pxl-hub.theme";
const LINES = 8;

export interface Palette {
  text: string;
  grid: string;
  card: string;
  flash: string;
  lines: readonly string[];
}

export function storedTheme(): Theme {
  const stored = localStorage.getItem(STORED);
  return THEMES.find((theme) => theme === stored) ?? "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset["theme"] = theme;
  localStorage.setItem(STORED, theme);
  palette = readPalette();
}

/** The colours in force; read anew when the theme changes. */
export let palette: Palette = readPalette();

/** A property of the page holds both themes' colours; which of them is meant only an element's own colour says. */
function readPalette(): Palette {
  const probe = document.body.appendChild(document.createElement("i"));
  const style = getComputedStyle(probe);
  const color = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return style.color;
  };
  const read = {
    text: color("quiet"),
    grid: color("grid"),
    card: color("card"),
    flash: color("warn"),
    lines: Array.from({ length: LINES }, (_, index) => color(`line-${index + 1}`)),
  };
  probe.remove();
  return read;
}

/** Tell when the system's scheme changes. */
export function onThemeChange(changed: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette = readPalette();
    changed();
  });
}

/** The colour of a chart's n-th line; after a full round they are fainter. */
export function lineColor(index: number): string {
  const color = palette.lines[index % LINES] ?? palette.text;
  return index < LINES ? color : faint(color, 0.6);
}

/** A colour of the palette, through which others show. */
export function faint(color: string, opacity: number): string {
  return color.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);
}
