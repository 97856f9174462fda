// The words and signs of a query's text, and where each stands. Pure.

/** A name or one of the signs `, : =`; a name in quotes is no word of the language. */
export interface Token {
  value: string;
  start: number;
  end: number;
  kind: "word" | "quoted" | "sign";
}

/** Words that begin a part of a query. */
export const WORDS: readonly string[] = ["where", "and", "by", "every", "window", "last"];

const PLAIN = /^[^\s,:="]+$/;
const DURATION = /^[0-9]+(ms|s|m|h|d|w)$/;

/** A mistake in a text, from `start` to `end`. */
export class TextWrong extends Error {
  readonly start: number;
  readonly end: number;

  constructor(message: string, start: number, end: number) {
    super(message);
    this.start = start;
    this.end = end;
  }
}

export const isDuration = (text: string): boolean => DURATION.test(text);

/** The tokens from left to right; TextWrong where a quote is not closed. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|([,:=])|"((?:[^"\\]|\\.)*)"|([^\s,:="]+)/gsy;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const found = pattern.exec(text);
    if (found === null) throw new TextWrong("a quote is opened and not closed", start, text.length);
    const end = pattern.lastIndex;
    const [, sign, quoted, word] = found;
    if (sign !== undefined) tokens.push({ value: sign, start, end, kind: "sign" });
    else if (quoted !== undefined) tokens.push({ value: quoted.replaceAll(/\\(.)/gs, "$1"), start, end, kind: "quoted" });
    else if (word !== undefined) tokens.push({ value: word, start, end, kind: "word" });
  }
  return tokens;
}

/** A name as it is written: in quotes where it would be read as something else. */
export function spellName(name: string): string {
  if (PLAIN.test(name) && !WORDS.includes(name) && !isDuration(name)) return name;
  return `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
