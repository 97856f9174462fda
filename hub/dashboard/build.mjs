// Bundles the page into `built/`, which the hub serves. A further page is one more line of entry points.

import { rmSync } from "node:fs";
import { build } from "esbuild";

const output = new URL("built/", import.meta.url).pathname;

rmSync(output, { recursive: true, force: true });
await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: [
    ...["index.html", "favicon.svg", "page.css", "page.ts"],
    ...["docs/index.html", "docs/docs.css", "docs/docs.ts"],
  ],
  loader: { ".html": "copy", ".svg": "copy" },
  outdir: output,
  bundle: true,
  minify: !process.env.UNMINIFIED,
  format: "esm",
  target: ["es2022"],
  logLevel: "warning",
});
