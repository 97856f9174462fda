// As much of the two documents as this page shows; see hub/contract.

export interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: readonly string[];
  description?: string;
  default?: unknown;
}

export type Examples = Record<string, { summary: string; value: unknown }>;
export type Content = Record<string, { schema: Schema; examples?: Examples }>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  description: string;
  required: boolean;
  explode?: boolean;
  schema: Schema;
  examples?: Examples;
}

export interface Operation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  security: readonly object[];
  parameters?: readonly Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}

export interface Setting {
  name: string;
  variable: string;
  unit: string;
  default: string;
  help: string;
}

export interface OpenApi {
  info: { title: string; version: string; description: string };
  tags: readonly { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
  "x-settings": readonly Setting[];
}

export interface Message {
  name: string;
  title: string;
  summary?: string;
  description?: string;
  contentType: string;
  payload: Schema;
  examples?: readonly { name: string; summary: string; payload: unknown }[];
}

export interface Channel {
  address: string;
  title: string;
  description: string;
  parameters?: Record<string, { description: string }>;
  bindings: { ws: { query: { properties?: Record<string, Schema> } } };
}

export interface SocketOperation {
  action: "send" | "receive";
  channel: { $ref: string };
  summary: string;
  messages: readonly { $ref: string }[];
  reply?: { messages: readonly { $ref: string }[] };
}

export interface Code {
  name: string;
  places: readonly string[];
  meaning: string;
  remedy: string;
}

export interface AsyncApi {
  info: { title: string; version: string; description: string };
  channels: Record<string, Channel>;
  operations: Record<string, SocketOperation>;
  components: { messages: Record<string, Message>; schemas: Record<string, Schema> };
  "x-codes": readonly Code[];
}

/** The last part of a reference, which is the name of what it leads to. */
export const nameOf = (reference: string): string => reference.slice(reference.lastIndexOf("/") + 1);
