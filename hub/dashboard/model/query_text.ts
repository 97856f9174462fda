// A query as one writes it, here and on the command line: `weather temp:mean,p95 where site=s1 by dev 10s`. Pure.
//
//     MEASUREMENT FIELD:AGGREGATE,… … [where TAG=VALUE,… and …] [by TAG,…] EVERY [window LONGER] [last LONG]
//     STREAM [where TAG=VALUE,… and …] [last LONG]

import { spellName, TextWrong, type Token, tokensOf, WORDS } from "./tokens.ts";
import { parseDuration } from "./durations.ts";

/** What a query computes; a stream's, too. Durations in milliseconds. */
export interface Plan {
  measurement: string;
  select: Record<string, string[]>;
  groupBy: string[];
  everyMs: number;
  windowMs: number;
}

/** The values that tags may have; null stands for points without the tag. */
export type Filter = Record<string, (string | null)[]>;

/** What a text asks: a named stream or a plan of its own, narrowed; `lastMs` is how much of the past. */
export interface Asked {
  stream: string | null;
  plan: Plan | null;
  where: Filter;
  lastMs: number | null;
}

export const AGGREGATES: readonly string[] = [
  "mean", "min", "max", "sum", "count", "last", "first", "median", "p90", "p95", "p99", "stddev", "spread", "rate",
  "increase", "integral", "distinct", "mode",
];
const PERCENTILE = /^p[0-9]{1,2}(\.[0-9]{1,4})?$/;

/** What the text asks. TextWrong says where it is wrong, and what was expected. */
export function parseQuery(text: string): Asked {
  return new Parser(text).parse();
}

class Parser {
  #tokens: Token[];
  #end: number;
  #next = 0;
  #select: Record<string, string[]> = {};
  #where: Filter = {};
  #groupBy: string[] = [];
  #durations: Record<string, number> = {};

  constructor(text: string) {
    this.#tokens = tokensOf(text);
    this.#end = text.trimEnd().length;
  }

  parse(): Asked {
    const name = this.#name("the name of a measurement or of a stream");
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) this.#part(token);
    const lastMs = this.#durations["last"] ?? null;
    const everyMs = this.#durations["every"];
    if (Object.keys(this.#select).length === 0) {
      if (everyMs !== undefined || this.#groupBy.length > 0) {
        const example = `${spellName(name.value)} temp:mean`;
        throw new TextWrong(`name fields of ${name.value} and their aggregates, as in ${example}`, name.start, name.end);
      }
      return { stream: name.value, plan: null, where: this.#where, lastMs };
    }
    if (everyMs === undefined) this.#fail("how long is a window? Say so after the fields, as in 10s");
    const windowMs = this.#durations["window"] ?? everyMs;
    if (windowMs % everyMs > 0) this.#fail("window: it has to be a whole multiple of every");
    const plan = { measurement: name.value, select: this.#select, groupBy: this.#groupBy, everyMs, windowMs };
    return { stream: null, plan, where: this.#where, lastMs };
  }

  #part(token: Token): void {
    const after = this.#tokens[this.#next + 1];
    if (after?.kind === "sign" && after.value === ":") return this.#field();
    if (token.kind !== "word") this.#unexpected(token);
    if (token.value === "where" || token.value === "and") return this.#conditions();
    if (token.value === "by") return this.#groups();
    if (/^[0-9]/.test(token.value)) return this.#duration("every");
    if (!WORDS.includes(token.value)) this.#unexpected(token);
    this.#next += 1;
    this.#duration(token.value);
  }

  #field(): void {
    const field = this.#name("the name of a field");
    this.#next += 1;
    const names = this.#list(`an aggregate of ${field.value}, as in mean`, true);
    for (const { value, start, end } of names) {
      if (!AGGREGATES.includes(value) && !PERCENTILE.test(value)) {
        throw new TextWrong(`${value} is no aggregate; there are ${AGGREGATES.join(", ")}`, start, end);
      }
    }
    const known = this.#select[field.value] ?? [];
    this.#select[field.value] = [...new Set([...known, ...names.map((name) => name.value)])];
  }

  #conditions(): void {
    this.#next += 1;
    const tag = this.#name("a tag and its value, as in site=s1");
    const sign = this.#peek();
    if (sign?.value !== "=" || sign.kind !== "sign") this.#fail(`which value of ${tag.value}? Write ${spellName(tag.value)}=…`);
    this.#next += 1;
    const values: (string | null)[] = [null];
    let end = sign.end;
    for (let token = this.#peek(); token?.start === end; token = this.#peek()) {
      if (token.kind === "sign" && token.value === ",") values.push(null);
      else if (token.kind === "sign") this.#unexpected(token);
      else values[values.length - 1] = token.value || null;
      end = token.end;
      this.#next += 1;
    }
    this.#where[tag.value] = values;
  }

  #groups(): void {
    this.#next += 1;
    for (const { value } of this.#list("a tag to group by")) if (!this.#groupBy.includes(value)) this.#groupBy.push(value);
  }

  #duration(key: string): void {
    const token = this.#name(`a duration, as in ${key} 10s`);
    const duration = parseDuration(token.value);
    if (duration === null || duration === 0) {
      throw new TextWrong(`${token.value} is not a duration; write for instance 10s or 5m`, token.start, token.end);
    }
    this.#durations[key] = duration;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  /** The next token, which has to be a name, and no word of the language, unless `last` is an aggregate here. */
  #name(expected: string, isAggregate = false): Token {
    const token = this.#peek();
    if (token === undefined) this.#fail(`something is missing here: ${expected}`);
    if (token.kind === "sign" || token.value === "" || (token.kind === "word" && !isAggregate && WORDS.includes(token.value))) {
      throw new TextWrong(`expected ${expected}, not ${token.value}`, token.start, token.end);
    }
    this.#next += 1;
    return token;
  }

  #list(expected: string, areAggregates = false): Token[] {
    const names = [this.#name(expected, areAggregates)];
    while (this.#peek()?.kind === "sign" && this.#peek()?.value === ",") {
      this.#next += 1;
      names.push(this.#name(expected, areAggregates));
    }
    return names;
  }

  #unexpected(token: Token): never {
    const hint = token.kind === "sign" ? "" : `; of a field, name the aggregates, as in ${spellName(token.value)}:mean`;
    throw new TextWrong(`${token.value} is not understood here${hint}`, token.start, token.end);
  }

  #fail(message: string): never {
    throw new TextWrong(message, this.#end, this.#end + 1);
  }
}
