// Builds the server, its WASM and its style sheet: `node scripts/build.mjs [--release]`.
// The settings are cargo-leptos's ([package.metadata.leptos] in Cargo.toml, LEPTOS_* variables win), and so are the cargo
// commands: neither tool rebuilds what the other built, and `scripts/compare-builds` shows that both serve the same files.
// What it leaves to cargo-leptos: watching, Sass, Tailwind, splitting, other targets for the server.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";
import browserslist from "browserslist";
import * as lightningcss from "lightningcss";
import { minify } from "terser";
import { RENAME, shorten } from "./shorten.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const release = process.argv.includes("--release");
const started = Date.now();
const metadata = JSON.parse(output("cargo", "metadata", "--no-deps", "--format-version=1"));
const crate = metadata.packages.find((candidate) => candidate.metadata?.leptos);
const settings = crate.metadata.leptos;
const target = metadata.target_directory;
const outputName = setting("output-name", crate.name);
const pkgDir = setting("site-pkg-dir", "pkg");
const siteRoot = path.resolve(setting("site-root", "target/site"));

try {
  const profile = cargo("bin", settings["bin-features"], `--bin=${crate.targets.find(({ kind }) => kind.includes("bin")).name}`);
  const server = path.join(target, profile, crate.name);
  const pkg = new Map();
  // A release has a bundle for each family of pages, development one with everything.
  for (const [bundle, features] of Object.entries(release ? crate.metadata.bundles : { main: settings["lib-features"] })) {
    const name = bundle === "main" ? outputName : `${outputName}-${bundle}`;
    for (const [file, bytes] of await bindgen(compileWasm(features), bundle, name)) pkg.set(file, bytes);
  }
  pkg.set(`${outputName}.css`, styleSheet());
  if (release) writeHashes(pkg, path.join(path.dirname(server), setting("hash-file-name", "hash.txt")));

  const site = filesIn(setting("assets-dir", "public"));
  for (const [name, bytes] of pkg) site.set(path.join(pkgDir, name), bytes);
  writeSite(site);
  if (release) printSizes(site);
  console.log(`Built ${relative(server)} and ${relative(siteRoot)} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}

/** A setting of cargo-leptos: the variable, else the line in Cargo.toml, else its default. */
function setting(key, fallback) {
  return process.env[`LEPTOS_${key.toUpperCase().replaceAll("-", "_")}`] ?? settings[key] ?? fallback;
}

/** Builds one side ("bin" or "lib") with the flags cargo-leptos would give; returns the profile's folder. */
function cargo(side, own, ...args) {
  // cargo-leptos would set RUSTFLAGS for the components' types otherwise, and every plain cargo command would rebuild all.
  if (!settings["disable-erase-components"]) throw new Error("Cargo.toml must keep `disable-erase-components = true`");
  const features = [...own, ...(settings.features ?? [])];
  const profile = settings[`${side}-profile-${release ? "release" : "dev"}`];
  args.unshift("build", `--package=${crate.name}`);
  if (!settings[`${side}-default-features`]) args.push("--no-default-features");
  if (features.length) args.push(`--features=${features}`);
  args.push(...(settings[`${side}-cargo-args`] ?? []));
  if (profile) args.push(`--profile=${profile}`);
  else if (release) args.push("--release");
  run("cargo", ...args);
  return profile === "dev" ? "debug" : (profile ?? (release ? "release" : "debug"));
}

/** Builds the library for the browser, in a target folder of its own as cargo-leptos does; returns the file. */
function compileWasm(features) {
  const triple = "wasm32-unknown-unknown";
  const folder = path.join(target, "front");
  const profile = cargo("lib", features, "--lib", `--target-dir=${folder}`, `--target=${triple}`);
  const library = crate.targets.find(({ crate_types }) => crate_types.includes("cdylib")).name;
  return path.join(folder, triple, profile, `${library}.wasm`);
}

/** Makes the JavaScript and WASM that browsers load, unless this very input was the last one; returns them by name. */
async function bindgen(wasm, bundle, name) {
  const folder = path.join(target, "front", `pkg-${release ? `release-${bundle}` : "debug"}`);
  const files = path.join(folder, "files");
  const optimise = setting("wasm-opt-features", ["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int"]);
  const minifies = release && `${setting("js-minify", true)}` === "true";
  const key = hash("sha256", [fs.readFileSync(wasm), output("wasm-bindgen", "--version"), `${optimise} ${minifies}`, shorten.toString()]);
  if (readIfThere(path.join(folder, "key"))?.toString() === key) return filesIn(files);

  fs.rmSync(folder, { recursive: true, force: true });
  // A release needs no TypeScript; a development build has exactly what cargo-leptos makes.
  const types = release ? ["--no-typescript"] : [];
  run("wasm-bindgen", "--target=web", ...types, `--out-name=${name}`, `--out-dir=${files}`, wasm);
  const module = path.join(files, `${name}.wasm`);
  fs.renameSync(path.join(files, `${name}_bg.wasm`), module);
  if (release) {
    const renamed = output("scripts/node_modules/.bin/wasm-opt", ...[optimise].flat(), RENAME, module, "-o", module);
    const script = path.join(files, `${name}.js`);
    fs.writeFileSync(script, shorten(fs.readFileSync(script, "utf8"), renamed));
  }
  if (minifies) await minifyScripts(files);
  fs.writeFileSync(path.join(folder, "key"), key);
  return filesIn(files);
}

async function minifyScripts(folder) {
  for (const [name, bytes] of filesIn(folder)) {
    if (!name.endsWith(".js")) continue;
    const { code } = await minify(bytes.toString(), { module: true, compress: { passes: 2 } });
    fs.writeFileSync(path.join(folder, name), code);
  }
}

/** The style sheet with its imports, for the browsers of `browserquery`. An error names the file and the line. */
function styleSheet() {
  const filename = setting("style-file");
  process.env.BROWSERSLIST_IGNORE_OLD_DATA = "true";
  const targets = lightningcss.browserslistToTargets(browserslist(setting("browserquery", "defaults")));
  const place = (file, loc) => `${relative(file)}:${loc.line}:${loc.column}`;
  try {
    const { code, warnings } = lightningcss.bundle({ filename: path.resolve(filename), targets, minify: release });
    for (const warning of warnings) console.warn(`${place(warning.loc.filename, warning.loc)}: warning: ${warning.message}`);
    return Buffer.from(code);
  } catch (error) {
    throw error.loc ? new Error(`${place(error.fileName, error.loc)}: ${error.message}`) : error;
  }
}

/** Puts a hash into the name of what the page loads, and tells the server in the file that leptos reads. */
function writeHashes(pkg, hashFile) {
  const files = ["js", "wasm", "css"].map((extension) => [extension, outputName, extension]);
  const bundles = Object.keys(crate.metadata.bundles).filter((bundle) => bundle !== "main");
  for (const bundle of bundles) {
    for (const extension of ["js", "wasm"]) files.push([`${bundle}-${extension}`, `${outputName}-${bundle}`, extension]);
  }
  const lines = files.map(([key, stem, extension]) => {
    const name = `${stem}.${extension}`;
    const digest = createHash("md5").update(pkg.get(name)).digest("base64url");
    pkg.set(`${stem}.${digest}.${extension}`, pkg.get(name));
    pkg.delete(name);
    return `${key}: ${digest}\n`;
  });
  fs.writeFileSync(hashFile, lines.join(""));
}

/** Makes the site's folder hold these files and no others; a release has each compressed beside it. */
function writeSite(site) {
  // All else in the folder goes, so it has to be a site: an empty folder, or one that a build has filled.
  const pkg = path.join(siteRoot, pkgDir);
  if (fs.existsSync(siteRoot) && fs.readdirSync(siteRoot).length && !fs.existsSync(pkg)) {
    throw new Error(`site-root ${siteRoot} holds other things than a site; they would be removed`);
  }
  fs.mkdirSync(pkg, { recursive: true });
  const stale = new Set(filesIn(siteRoot).keys());
  const keep = (name, make) => {
    stale.delete(name);
    const file = path.join(siteRoot, name);
    const bytes = make(readIfThere(file));
    if (!bytes) return;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, bytes);
  };
  for (const [name, bytes] of site) {
    let changed = true;
    keep(name, (old) => ((changed = !old?.equals(bytes)) ? bytes : null));
    if (!release || !/\.(css|html|ico|js|json|svg|txt|wasm|webmanifest|xml)$/.test(name)) continue;
    keep(`${name}.br`, (old) => (changed || !old ? brotli(bytes) : null));
    keep(`${name}.gz`, (old) => (changed || !old ? zlib.gzipSync(bytes, { level: 9 }) : null));
  }
  for (const name of stale) fs.rmSync(path.join(siteRoot, name));
}

function brotli(bytes) {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  return zlib.brotliCompressSync(bytes, { params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: bytes.length } });
}

function printSizes(site) {
  const row = (name, ...columns) => console.log(name.padEnd(52), ...columns.map((column) => `${column}`.padStart(10)));
  row(`${relative(siteRoot)} (bytes)`, "raw", "gzip", "brotli");
  for (const [name, bytes] of site) {
    const size = (suffix) => fs.statSync(path.join(siteRoot, name + suffix), { throwIfNoEntry: false })?.size ?? "";
    row(`  ${name}`, bytes.length, size(".gz"), size(".br"));
  }
}

/** Every file below a folder, by its path inside it. */
function filesIn(folder) {
  const entries = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  return new Map(files.sort().map((file) => [path.relative(folder, file), fs.readFileSync(file)]));
}

function readIfThere(file) {
  return fs.existsSync(file) ? fs.readFileSync(file) : undefined;
}

function hash(algorithm, parts) {
  const digest = createHash(algorithm);
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
}

function relative(file) {
  return path.relative(process.cwd(), file);
}


function output(command, ...args) {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 << 20 });
}

function run(command, ...args) {
  try {
    execFileSync(command, args, { stdio: "inherit" });
  } catch (error) {
    throw new Error(error.code === "ENOENT" ? `${command} is missing: run \`make run\` once` : `${path.basename(command)} failed`);
  }
}
