// A query as one writes it, here and on the command line: `weather temp:mean,p95 where site=s1 by dev 10s`. Pure.
//
//     MEASUREMENT FIELD:AGGREGATE,… … [where TAG=VALUE,… and …] [by TAG,…] EVERY [window LONGER] [last LONG]
//     STREAM [where TAG=VALUE,… and …] [last LONG]
//
// The command line's own reader is hub/commands/query_text.py; tests/hub/query_texts.json has what both are held to.

import { isDuration, spellName, TextWrong, type Token, tokensOf, WORDS } from "./tokens.ts";
import { LONGEST_MS, parseDuration } from "./durations.ts";

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
const CLAUSES: readonly string[] = WORDS.filter((word) => word !== "and");
const SHORTEST_WINDOW_MS = 100;

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
  /** Where each clause was said. */
  #places: Record<string, Pick<Token, "start" | "end">> = {};

  constructor(text: string) {
    this.#tokens = tokensOf(text);
    this.#end = text.trimEnd().length;
  }

  parse(): Asked {
    const name = this.#name("the name of a measurement or of a stream");
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) this.#clause(token);
    const { every: everyMs, window: windowMs = everyMs ?? 0, last: lastMs = null } = this.#durations;
    const where = this.#where;
    if (Object.keys(this.#select).length === 0) {
      this.#refuseForStream(name);
      return { stream: name.value, plan: null, where, lastMs };
    }
    if (everyMs === undefined) this.#fail("how long is a window? Say so after the fields, as in 10s");
    if (everyMs < SHORTEST_WINDOW_MS) this.#failAt("every", `every: it is shorter than ${SHORTEST_WINDOW_MS}ms, the least possible`);
    if (windowMs % everyMs > 0) this.#failAt("window", "window: it is not a whole multiple of every");
    const plan = { measurement: name.value, select: this.#select, groupBy: this.#groupBy, everyMs, windowMs };
    return { stream: null, plan, where, lastMs };
  }

  #clause(token: Token): void {
    const after = this.#tokens[this.#next + 1];
    if (after?.kind === "sign" && after.value === ":") return this.#field();
    if (token.kind !== "word") this.#unexpected(token);
    if (/^[0-9]/.test(token.value)) return this.#duration("every", token);
    if (!CLAUSES.includes(token.value)) this.#unexpected(token);
    if (this.#places[token.value]) throw new TextWrong(`${token.value} is given twice`, token.start, token.end);
    this.#next += 1;
    if (token.value === "where") this.#conditions();
    else if (token.value === "by") this.#groups();
    else this.#duration(token.value, token);
    this.#places[token.value] ??= { start: token.start, end: this.#tokens[this.#next - 1]?.end ?? token.end };
  }

  #field(): void {
    const field = this.#name("the name of a field");
    this.#once(field, this.#select, "field", "aggregates");
    this.#next += 1;
    const names: string[] = [];
    for (const { value, start, end } of this.#list(`an aggregate of ${field.value}, as in mean`, true)) {
      if (!AGGREGATES.includes(value) && !(PERCENTILE.test(value) && Number(value.slice(1)) > 0)) {
        throw new TextWrong(`${value} is no aggregate; there are ${AGGREGATES.join(", ")}`, start, end);
      }
      const name = PERCENTILE.test(value) ? `p${Number(value.slice(1))}` : value;
      if (names.includes(name)) throw new TextWrong(`${name} is asked for twice`, start, end);
      names.push(name);
    }
    this.#select[field.value] = names;
  }

  #conditions(): void {
    for (;;) {
      const tag = this.#name("a tag and its value, as in site=s1");
      const sign = this.#peek();
      if (sign?.value !== "=" || sign.kind !== "sign") {
        throw new TextWrong(`which value of ${tag.value}? Write ${spellName(tag.value)}=…`, tag.start, tag.end);
      }
      this.#once(tag, this.#where, "tag", "values");
      this.#next += 1;
      this.#where[tag.value] = this.#values(sign.end);
      const following = this.#peek();
      if (following?.kind !== "word" || following.value !== "and") return;
      this.#next += 1;
    }
  }

  /** The values after an equals sign that ends there: without blanks between, or else there are none. */
  #values(end: number): (string | null)[] {
    const values: (string | null)[] = [null];
    for (let token = this.#peek(); token?.start === end; token = this.#peek()) {
      if (token.kind === "sign" && token.value === ",") values.push(null);
      else if (token.kind === "sign") break;
      else if (values.at(-1) === null) values[values.length - 1] = token.value || null;
      else this.#unexpected(token);
      end = token.end;
      this.#next += 1;
    }
    return values;
  }

  #groups(): void {
    for (const token of this.#list("a tag to group by, as in by site")) {
      const { value, start, end, kind } = token;
      if (kind === "word" && isDuration(value)) throw new TextWrong(`expected a tag to group by, not the duration ${value}`, start, end);
      if (this.#groupBy.includes(value)) throw new TextWrong(`tag ${value} is named twice`, start, end);
      this.#groupBy.push(value);
    }
  }

  #duration(key: string, at: Token): void {
    if (key in this.#durations) throw new TextWrong(`${key} is given twice`, at.start, at.end);
    const token = this.#name(`a duration, as in ${key} 10s`);
    const duration = parseDuration(token.value);
    if (duration === null || duration === 0) {
      throw new TextWrong(`${token.value} is not a duration; write for instance 10s or 5m`, token.start, token.end);
    }
    if (duration > LONGEST_MS) throw new TextWrong(`${token.value} is longer than a hundred years`, token.start, token.end);
    this.#durations[key] = duration;
    this.#places[key] = token;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  /** The next token, which has to be a name, and no word of the language, unless `last` is an aggregate here. */
  #name(expected: string, isAggregate = false): Token {
    const token = this.#peek();
    if (token === undefined) this.#fail(`something is missing here: ${expected}`);
    const isWord = token.kind === "word" && WORDS.includes(token.value) && !(isAggregate && token.value === "last");
    if (token.kind === "sign" || token.value === "" || isWord) {
      const quote = isWord ? `; a name like this is written in quotes, "${token.value}"` : "";
      throw new TextWrong(`expected ${expected}, not ${token.value}${quote}`, token.start, token.end);
    }
    this.#next += 1;
    return token;
  }

  *#list(expected: string, areAggregates = false): Generator<Token> {
    yield this.#name(expected, areAggregates);
    while (this.#peek()?.kind === "sign" && this.#peek()?.value === ",") {
      this.#next += 1;
      yield this.#name(expected, areAggregates);
    }
  }

  #once({ value, start, end }: Token, known: object, what: string, parts: string): void {
    if (Object.hasOwn(known, value)) throw new TextWrong(`${what} ${value} is named twice; list its ${parts} once`, start, end);
  }

  #refuseForStream(name: Token): void {
    for (const key of ["every", "window", "by"]) {
      const example = `${spellName(name.value)} temp:mean`;
      if (this.#places[key]) this.#failAt(key, `${name.value} without fields is a stream, which has windows and groups of its own; name fields, as in ${example}`);
    }
  }

  #unexpected(token: Token): never {
    const hint = token.kind === "sign" ? "" : `; of a field, name the aggregates, as in ${spellName(token.value)}:mean`;
    throw new TextWrong(`${token.value} is not understood here${hint}`, token.start, token.end);
  }

  #failAt(key: string, message: string): never {
    const { start, end } = this.#places[key] ?? { start: 0, end: this.#end };
    throw new TextWrong(message, start, end);
  }

  #fail(message: string): never {
    throw new TextWrong(message, this.#end, this.#end + 1);
  }
}
