// What can go wrong, in words. Pure.

/** Why the hub refused something. */
export class HubError extends Error {
  override readonly name = "HubError";
  /** A code of the hub's catalogue, such as `unknown_stream`; or `unreachable`. */
  readonly code: string;
  /** The HTTP status or WebSocket close code that it came with, or 0. */
  readonly status: number;

  constructor(code: string, message: string, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What a closed connection means for the client. */
export interface Ending {
  /** `again`: coming back can help. `token`: only with another token. `never`: it cannot. */
  remedy: "again" | "token" | "never";
  message: string;
  /** Milliseconds for which the hub wants to be left alone. */
  after: number;
}

const NEVER = new Map([
  [1003, "it does not take this kind of frame"],
  [1007, "a frame was not valid UTF-8"],
  [1009, "a frame was longer than it takes"],
  [4400, "it could not read a message"],
]);
const TOKEN = new Map([
  [4401, "the hub needs a valid token"],
  [4403, "the token does not allow this"],
]);

/** What the close code and reason of a connection mean. */
export function endingOf(code: number, reason: string): Ending {
  const after = retryAfter(reason);
  const detail = reason && after === 0 ? ` (${reason})` : "";
  const denied = TOKEN.get(code);
  if (denied) return { remedy: "token", message: denied + detail, after };
  const refused = NEVER.get(code);
  if (refused) return { remedy: "never", message: `the hub closed the connection: ${refused}${detail}`, after };
  return { remedy: "again", message: `the connection was closed with ${code}${detail}`, after };
}

function retryAfter(reason: string): number {
  try {
    return Math.max(0, Number((JSON.parse(reason) as { retry_after_ms?: number }).retry_after_ms)) || 0;
  } catch {
    return 0; // text for people
  }
}
