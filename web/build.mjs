#!/usr/bin/env node
// Bundles the console and packs it for embedding: one script, one style sheet, one page and the
// small worker that holds the event stream.  The same sources give the same bytes.
//
// usage: build.mjs --c FILE [--depfile FILE]   a C table of gzipped files (src/api/assets.h)
//        build.mjs --dir DIR                   plain files, to look at and to test
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const web = dirname(fileURLToPath(import.meta.url));
const GZ_MAX = 120_000; // bytes of a first load: what the console may weigh at most

function die(text) {
  process.stderr.write(`web/build.mjs: ${text}\n`);
  process.exit(1);
}

/** esbuild of the locked packages; a clear word when they are not there. */
async function bundler() {
  const path = join(web, 'node_modules/esbuild/lib/main.js');
  if (!existsSync(path)) die('web/node_modules is missing: run script/setup');
  return (await import(pathToFileURL(path).href)).default;
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function bundle(esbuild, entry, define) {
  const result = await esbuild.build({
    absWorkingDir: web,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'iife',
    target: 'es2021',
    charset: 'utf8',
    legalComments: 'none',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outdir: 'out',
    define,
    logLevel: 'error',
  });
  const inputs = Object.keys(result.metafile.inputs).map((p) => join(web, p));
  return { files: result.outputFiles, inputs };
}

const hashed = (name, ext, bytes) => `/assets/${name}.${sha256(bytes).slice(0, 12)}.${ext}`;

/** Every file of the console as {path, type, bytes}, and the list of what it was made from. */
export async function build() {
  const esbuild = await bundler();
  const js = 'text/javascript; charset=utf-8';
  const worker = await bundle(esbuild, 'src/feed-worker.ts', {});
  const feed = worker.files[0].contents;
  const feedPath = hashed('feed', 'js', feed);
  const main = await bundle(esbuild, 'src/main.tsx', { FEED_WORKER: JSON.stringify(feedPath) });
  const script = main.files.find((f) => f.path.endsWith('.js')).contents;
  const style = main.files.find((f) => f.path.endsWith('.css')).contents;
  const scriptPath = hashed('app', 'js', script);
  const stylePath = hashed('app', 'css', style);
  const icon = readFileSync(join(web, 'src/icon.svg'));
  const iconPath = hashed('icon', 'svg', icon);
  const page = readFileSync(join(web, 'src/index.html'), 'utf8')
    .replace('app.css', stylePath).replace('app.js', scriptPath).replace('icon.svg', iconPath);
  return {
    inputs: [...new Set([...worker.inputs, ...main.inputs, join(web, 'src/index.html'),
      join(web, 'src/icon.svg'), join(web, 'package-lock.json'),
      fileURLToPath(import.meta.url)])].sort(),
    files: [
      { path: '/', type: 'text/html; charset=utf-8', bytes: Buffer.from(page) },
      { path: scriptPath, type: js, bytes: script },
      { path: stylePath, type: 'text/css; charset=utf-8', bytes: style },
      { path: feedPath, type: js, bytes: feed },
      { path: iconPath, type: 'image/svg+xml', bytes: icon },
    ],
  };
}

/** gzip without a time and without the name of a system: equal bytes everywhere. */
function pack(bytes) {
  const gz = gzipSync(bytes, { level: 9 });
  gz.fill(0, 4, 8);
  gz[9] = 255;
  return gz;
}

function cBytes(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 24)
    lines.push('    ' + Array.from(bytes.subarray(i, i + 24)).join(','));
  return lines.join(',\n');
}

/** The table that src/api/assets.h declares. */
export function toC(files) {
  const packed = files.map((f) => ({ ...f, gz: pack(f.bytes), sha: sha256(f.bytes) }));
  const bytes = packed.map((f, i) =>
    `static const unsigned char asset_${i}[] = {\n${cBytes(f.gz)}\n};\n`).join('\n');
  const rows = packed.map((f, i) =>
    `    { "${f.path}", "${f.type}", "${f.sha}",\n` +
    `      asset_${i}, sizeof(asset_${i}), ${f.bytes.length} },\n`).join('');
  return '/* Made by web/build.mjs from web/src; do not edit. */\n#include "api/assets.h"\n\n' +
    `${bytes}\nconst struct web_asset web_assets[] = {\n${rows}};\n` +
    `const uint32_t web_assets_count = ${packed.length};\n`;
}

/** Bytes of a first load, as they travel. */
export function weigh(files) {
  return files.map((f) => ({ path: f.path, raw: f.bytes.length, gz: pack(f.bytes).length }));
}

function put(path, bytes) {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, bytes);
}

async function main(args) {
  const want = {};
  for (let i = 0; i < args.length; i += 2) {
    if (!['--c', '--depfile', '--dir'].includes(args[i]) || args[i + 1] === undefined)
      die('usage: build.mjs --c FILE [--depfile FILE] | --dir DIR');
    want[args[i].slice(2)] = args[i + 1];
  }
  if (!want.c && !want.dir) die('nothing to do: say --c FILE or --dir DIR');
  const { files, inputs } = await build();
  const sizes = weigh(files);
  const total = sizes.reduce((sum, f) => sum + f.gz, 0);
  if (total > GZ_MAX) die(`the console weighs ${total} bytes gzipped; ${GZ_MAX} are allowed`);
  if (want.c) put(want.c, toC(files));
  if (want.depfile) {
    const names = inputs.map((p) => relative(process.cwd(), p).replace(/ /g, '\\ '));
    put(want.depfile, `${want.c}: ${names.join(' ')}\n`);
  }
  if (want.dir) {
    for (const f of files) put(join(want.dir, f.path === '/' ? 'index.html' : f.path), f.bytes);
    for (const f of sizes) process.stdout.write(`${f.path} ${f.raw} ${f.gz}\n`);
    process.stdout.write(`total gzipped ${total}\n`);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  main(process.argv.slice(2)).catch((e) => die(e.message));
