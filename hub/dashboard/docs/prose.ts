// The little Markdown of the documents' descriptions: paragraphs, lists, tables, code. Pure.

export type Span = { code: boolean; text: string };
export type Block =
  | { kind: "paragraph"; spans: Span[] }
  | { kind: "list"; items: Span[][] }
  | { kind: "table"; head: string[]; rows: Span[][][] };

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  for (const part of text.split(/\n{2,}/)) {
    const lines = part.split("\n").filter((line) => line.trim() !== "");
    if (lines.length > 0) found.push(...blocksOf(lines));
  }
  return found;
}

function blocksOf(lines: string[]): Block[] {
  const [head = "", rule = ""] = lines;
  if (head.startsWith("|") && /^\|[-|]+\|$/.test(rule)) {
    return [{ kind: "table", head: cells(head), rows: lines.slice(2).map((line) => cells(line).map(spans)) }];
  }
  const firstItem = lines.findIndex((line) => line.startsWith("- "));
  const before = firstItem < 0 ? lines : lines.slice(0, firstItem);
  const items = firstItem < 0 ? [] : lines.slice(firstItem).map((line) => spans(line.replace(/^- /, "")));
  const paragraph: Block[] = before.length > 0 ? [{ kind: "paragraph", spans: spans(before.join(" ")) }] : [];
  return items.length > 0 ? [...paragraph, { kind: "list", items }] : paragraph;
}

function cells(line: string): string[] {
  return line.slice(1, -1).split("|").map((cell) => cell.trim());
}

export function spans(text: string): Span[] {
  return text
    .split("`")
    .map((part, index) => ({ code: index % 2 === 1, text: part }))
    .filter((span) => span.text !== "");
}
