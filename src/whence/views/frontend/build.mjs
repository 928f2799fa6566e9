// Builds ../bundle/whence.js and whence.css, the two files a page holds, or with --out FOLDER the same there;
// with --tests, the unit tests into build/tests.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const MOST_BYTES = 100_000;
const here = fileURLToPath(new URL(".", import.meta.url));
const asked = process.argv.indexOf("--out") + 1;
const bundle = asked ? resolve(process.argv[asked]) : join(here, "..", "bundle");
const shared = { bundle: true, format: "esm", jsx: "automatic", jsxImportSource: "preact", absWorkingDir: here };

/** All that the bundle is made from, as one hash: tests compare it where there is no Node to build with. */
function sourceHash() {
  const inside = readdirSync(join(here, "src"), { recursive: true }).map((name) => join("src", name));
  const files = [...inside, "build.mjs", "package-lock.json"].map((name) => name.replaceAll("\\", "/")).sort();
  const hash = createHash("sha256");
  for (const file of files.filter((name) => /\.[a-z]+$/.test(name))) {
    hash.update(file + "\0").update(readFileSync(join(here, file))).update("\0");
  }
  return hash.digest("hex");
}

async function buildBundle() {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: { whence: "src/main.tsx" },
    outdir: bundle,
    write: false,
    minify: true,
    charset: "utf8",
    legalComments: "none",
    target: ["chrome111", "firefox113", "safari16.4"],
  });
  mkdirSync(bundle, { recursive: true });
  for (const { path, text } of outputFiles) {
    if (/<\/(script|style)/i.test(text)) throw new Error(`${path} would end the element that holds it`);
    writeFileSync(path, path.endsWith(".js") ? `/* whence views ${sourceHash()} */\n${text}` : text);
  }
  const bytes = outputFiles.reduce((sum, file) => sum + file.contents.length, 0);
  if (bytes > MOST_BYTES) throw new Error(`the bundle has ${bytes} bytes, more than ${MOST_BYTES}`);
  console.log(`${bytes} bytes`);
}

async function buildTests() {
  const out = join(here, "build", "tests");
  rmSync(out, { recursive: true, force: true });
  const names = readdirSync(join(here, "tests")).filter((name) => /\.test\.tsx?$/.test(name));
  const entryPoints = names.map((name) => join("tests", name));
  await build({ ...shared, entryPoints, outdir: out, outExtension: { ".js": ".mjs" }, platform: "node" });
}

await (process.argv.includes("--tests") ? buildTests() : buildBundle());
