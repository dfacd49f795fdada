// Bundle the page into the folder named on the command line.
import { cp, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { build } from "esbuild";

const output = process.argv[2];
if (!output) {
  console.error("build.mjs: name the folder to write to: node build.mjs FOLDER");
  process.exit(2);
}
const here = import.meta.dirname;
await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
const entries = ["first_paint.ts", "dashboard.ts", "dashboard.css", "docs.ts", "docs.css"];
await build({
  entryPoints: entries.map((name) => path.join(here, "src", name)),
  outdir: output,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2023",
  legalComments: "inline",
});
for (const name of ["index.html", "docs.html", "icon.svg"]) {
  await cp(path.join(here, "src", name), path.join(output, name));
}
for (const name of ["lightweight-charts", "swagger-ui-dist"]) {
  const license = path.join(here, "node_modules", name, "LICENSE");
  await cp(license, path.join(output, `${name}.LICENSE.txt`));
}
