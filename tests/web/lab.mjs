// A replayed site and a browser that looks at it: what the browser test, the screenshots and the
// frame times begin with.  Everything lies in one new folder, listens on loopback and is ended.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const SIZES = { desk: { width: 1366, height: 768 }, phone: { width: 390, height: 844 } };
const START_MS = 30000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The first truth of what(), asked for at most ms. */
export async function until(ms, what) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await what();
    if (value || Date.now() > end) return value;
    await sleep(100);
  }
}

/** mw serve --replay SCENARIO: ask() goes over its socket as admin, link logs a browser in once. */
export async function startSite(mw, scenario, options = []) {
  const dir = mkdtempSync(join(tmpdir(), 'mw-web-'));
  const socket = join(dir, 'mw.sock');
  let said = '';
  const child = spawn(mw, ['serve', '--replay', scenario, '--journal', join(dir, 'journal'),
    '--socket', socket, '--http', '127.0.0.1:0', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { said += d; });
  const ask = (path, body) => new Promise((done, fail) => {
    const q = http.request({ socketPath: socket, path, method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' } }, (r) => {
      let text = '';
      r.setEncoding('utf8').on('data', (d) => { text += d; });
      r.on('end', () => done({ status: r.statusCode, headers: r.headers,
        json: () => JSON.parse(text), text }));
    });
    q.on('error', fail);
    q.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const link = await until(START_MS, () => /open (http:\S+)/.exec(said)?.[1]);
  const ready = link && await until(START_MS, () => ask('/readyz').then((r) => r.status === 200,
    () => false));
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(dir, { recursive: true, force: true });
    return code;
  };
  if (!ready) {
    await stop();
    throw new Error(`mw serve did not start: ${said}`);
  }
  return { ask, link, url: link.split('#')[0], stop, said: () => said };
}

/** Goes on until the site has what is asked for, then stands still. */
export async function standStill(site, what, ms = 60000) {
  const found = await until(ms, async () => what(site));
  await site.ask('/api/v1/replay', { paused: true });
  return found;
}

export async function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A logged-in context for each scheme and size; the one-time link is used once, by the first. */
export async function logIn(browser, site) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(site.link);
  await page.waitForFunction(() => location.hash === '#/home');
  const state = await context.storageState();
  await context.close();
  return state;
}

export const axeSource = readFileSync(new URL('./node_modules/axe-core/axe.min.js',
  import.meta.url), 'utf8');
