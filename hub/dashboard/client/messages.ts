// The hub's messages as a client reads them. Times are milliseconds since the Unix epoch.
// What a newer hub adds, keys and kinds of messages alike, is passed over, so that a client outlives it.

export type Cell = string | number | boolean | null;
export type Row = readonly Cell[];

/** A column of the rows; `kind` is null while nobody has written the field. */
export interface Column {
  name: string;
  kind: string | null;
  unit?: string | null;
}

/** The values that a tag may have; null stands for points without it. */
export type Where = Record<string, string | null | readonly (string | null)[]>;

/** What to compute. Durations are strings such as `10s`. */
export interface Query {
  measurement: string;
  select: Record<string, string | readonly string[]>;
  where?: Where;
  group_by?: readonly string[];
  window?: string;
  every?: string;
  grace?: string;
}

/** What to subscribe to: a named stream or a query; `history` says how much of the past comes first. */
export interface Request {
  stream?: string;
  query?: Query;
  where?: Where;
  history?: string;
  /** Instead of `history`: every window that stopped later than this time. */
  after?: number;
}

/** A window `[start, stop)`; what only live windows say is undefined in those of the history. */
export interface Window {
  start: number;
  stop: number;
  revision: number;
  final: boolean;
  rows: readonly Row[];
  points?: number;
  late?: number;
  queried_ms?: number;
  sent?: number;
}

/** What a subscription's windows are made of. */
export interface Description {
  plan: string;
  columns: readonly Column[];
  window_ms: number;
  every_ms: number;
  grace_ms: number;
}

/** A named stream, as `/v1/streams` lists it. */
export interface Stream extends Description {
  name: string;
  measurement: string;
  where: Record<string, readonly (string | null)[]>;
}

/** What the hub says a window is made of, asked of the database anew. */
export interface Explanation {
  start: number;
  stop: number;
  way: string;
  query: string;
  query_ms: number;
  points: number;
  first: number | null;
  last: number | null;
  late: number;
  revisions: readonly { revision: number; sent: number; points: number }[];
  rows: readonly Row[];
}

/** A measurement with its tags and fields, as `/v1/schema` lists it. */
export interface Measurement {
  name: string;
  tags: readonly { name: string; values: readonly string[]; more: boolean }[];
  fields: readonly { name: string; kinds: readonly string[] }[];
}

/** A message of `/v1/live`. */
export type Message =
  | { type: "ready"; session: string; time: number }
  | ({ type: "subscribed"; id: string; shared_by: number } & Description)
  | { type: "history"; id: string; plan: string; windows: readonly Window[]; more: boolean }
  | { type: "live"; id: string; plan: string; from: number }
  | ({ type: "window"; plan: string } & Window)
  | { type: "progress"; plan: string; final_until: number }
  | { type: "skipped"; plan: string; windows: number; from: number; to: number }
  | ({ type: "explained"; id: string; plan: string } & Explanation)
  | { type: "error"; id: string | null; code: string; message: string; retry_after_ms: number | null };
