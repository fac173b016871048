#!/usr/bin/env node
// Tests of the console that need no browser: types, units (src/**/*_test.ts), two builds
// byte-equal, weight, what the page's policy forbids.  The last line counts, as cmocka's does.
//
// usage: test.mjs [word]   only unit tests whose file has the word in its name
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, toC, weigh } from './build.mjs';

const web = dirname(fileURLToPath(import.meta.url));
const WARN_GZ = 112_000;  // the build itself refuses 120,000: a test says so before it is too late
let passed = 0, failed = 0;

function check(name, ok, why = '') {
  if (ok) passed++;
  else failed++;
  if (!ok) process.stdout.write(`FAILED: ${name}${why ? `\n${why}` : ''}\n`);
}

const filesIn = (dir, ext) => readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
  e.isDirectory() ? filesIn(join(dir, e.name), ext)
    : e.name.endsWith(ext) ? [join(dir, e.name)] : []);

function types() {
  const r = spawnSync(process.execPath, [join(web, 'node_modules/typescript/bin/tsc'), '--noEmit',
    '-p', web], { encoding: 'utf8' });
  check('the types agree', r.status === 0, r.stdout + r.stderr);
}

/** Bundles every *_test.ts and has node's own runner count its cases. */
async function units(word) {
  const tests = filesIn(join(web, 'src'), '_test.ts')
    .filter((f) => !word || f.includes(word)).sort();
  check('there are unit tests', tests.length > 0);
  const dir = mkdtempSync(join(tmpdir(), 'mw-web-'));
  try {
    const path = pathToFileURL(join(web, 'node_modules/esbuild/lib/main.js')).href;
    const esbuild = (await import(path)).default;
    await esbuild.build({ absWorkingDir: web, entryPoints: tests, bundle: true, platform: 'node',
      format: 'esm', target: 'node18', outdir: dir, outExtension: { '.js': '.mjs' },
      outbase: join(web, 'src'), jsx: 'automatic', jsxImportSource: 'preact',
      loader: { '.css': 'empty' }, define: { FEED_WORKER: '""' }, logLevel: 'error' });
    const r = spawnSync(process.execPath,
      ['--test', '--test-reporter=tap', ...filesIn(dir, '.mjs')],
      { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
    passed += Number(/^# pass (\d+)/m.exec(r.stdout)?.[1] ?? 0);
    failed += Number(/^# fail (\d+)/m.exec(r.stdout)?.[1] ?? 1);
    if (r.status !== 0) process.stdout.write(r.stdout + r.stderr);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function bundles() {
  const [a, b] = [await build(), await build()];
  check('two builds are byte-equal', toC(a.files) === toC(b.files));
  const total = weigh(a.files).reduce((n, f) => n + f.gz, 0);
  process.stdout.write(`a first load weighs ${total} bytes gzipped\n`);
  check(`a first load weighs less than ${WARN_GZ} bytes`, total < WARN_GZ, String(total));
  const page = a.files.find((f) => f.path === '/').bytes.toString();
  check('the page has no inline script or style, as its policy forbids them',
    !/<script(?![^>]*src=)|<style|style=|\son\w+=/i.test(page));
  const all = a.files.map((f) => Buffer.from(f.bytes).toString()).join('\n');
  const outside = [...all.matchAll(/https?:\/\/[^\s"'`)<>]+/g)].map((m) => m[0])
    .filter((u) => !u.startsWith('http://www.w3.org/'));  // names of XML namespaces, never fetched
  check('nothing outside is named', outside.length === 0, outside.join('\n'));
  const sources = filesIn(join(web, 'src'), '.tsx').map((f) => readFileSync(f, 'utf8')).join('\n');
  check('no page writes HTML by itself', !/innerHTML|dangerouslySet/.test(sources));
}

if (!existsSync(join(web, 'node_modules/esbuild')))
  check('the packages are there', false, 'web/node_modules is missing: run script/setup');
else {
  types();
  await units(process.argv[2]);
  await bundles();
}
process.stdout.write(`[  PASSED  ] ${passed} tests\n`);
if (failed) process.stdout.write(`[  FAILED  ] ${failed} tests\n`);
process.exit(failed ? 1 : 0);
