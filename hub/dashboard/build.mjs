// Bundles the page into `built/`, which the hub serves. A further page is one more line of entry points.

import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { build } from "esbuild";

/**
 * uPlot's canvases without transparency: what is beneath them is not drawn and blended, which is half of the work where
 * the processor does it. uPlot has no option for that.
 */
const opaque = {
  name: "opaque",
  setup(building) {
    building.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace('can.getContext("2d")', 'can.getContext("2d", { alpha: false })');
      if (contents === source) throw new Error("uPlot makes its canvas in another way than build.mjs knows");
      return { contents, loader: "js" };
    });
  },
};
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
  plugins: [opaque],
});
