// The TypeScript client as the conformance tests drive it: a command a line in, an event a line out; see clients.py.

import { createInterface } from "node:readline";
import { Hub, type HubError, type Request, type Subscription } from "../../hub/dashboard/client.ts";

type Command =
  | { do: "watch"; id: string; request: Request }
  | { do: "explain"; id: string; stop: number }
  | { do: "end"; id: string };

const [url = "", token] = process.argv.slice(2);
const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
const refused = (id: string, error: HubError): void => say({ id, event: "refused", code: error.code });
const hub = new Hub(url, {
  token: token ?? null,
  state: (state) => {
    if (state.name === "waiting") say({ event: "setback" });
    if (state.name === "token") say({ event: "denied" });
  },
});
const subscriptions = new Map<string, Subscription>();

function watch(id: string, request: Request): Subscription {
  return hub.subscribe(request, {
    described: ({ columns }) => say({ id, event: "columns", columns: columns.map(({ name, kind }) => [name, kind]) }),
    windows(windows) {
      for (const { start, stop, revision, final, rows } of windows) {
        say({ id, event: "window", start, stop, revision, final, rows });
      }
    },
    progress: (final_until) => say({ id, event: "progress", final_until }),
    failed: (error, final) => void (final && refused(id, error)),
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  const subscription = subscriptions.get(command.id);
  if (command.do === "watch") {
    subscriptions.set(command.id, watch(command.id, command.request));
  } else if (subscription && command.do === "explain") {
    const { id } = command;
    const told = subscription.explain(command.stop);
    told.then(({ stop, points, rows }) => say({ id, event: "explained", stop, points, rows }), (e) => refused(id, e));
  } else if (subscription) {
    hub.unsubscribe(subscription);
  }
}
hub.close();
