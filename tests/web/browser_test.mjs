// Every page of the console in Debian's Chromium, light and dark, on a desk and on a phone: nothing
// in the console log, nothing blocked by the content policy, no request but to the daemon, nothing
// serious for axe, nothing wider than a phone; then a story clicked through from the home page, and a
// node drained and given back.  Prints TAP.
//
//   node browser_test.mjs MW SCENARIO [story]     story: without the pages one by one
import { SIZES, axeSource, logIn, standStill, startBrowser, startSite, until } from './lab.mjs';

const [mw, scenario, agent, only] = process.argv.slice(2);
let count = 0, failed = 0;
function ok(good, name, more = '') {
  count++;
  if (!good) failed++;
  console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (!good && more) console.log(String(more).slice(0, 3000).replace(/^/gm, '# '));
  return good;
}

/** What a page must not do is noted from its first request on. */
function watch(page, site) {
  const wrong = [];
  page.on('console', (m) => {
    if (['error', 'warning'].includes(m.type())) wrong.push(`console: ${m.text()}`);
  });
  page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
  page.on('request', (r) => {
    if (!r.url().startsWith(site.url) && !r.url().startsWith('data:') && !r.url().startsWith('blob:'))
      wrong.push(`request to ${r.url()}`);
  });
  return wrong;
}

async function open(page, hash) {
  await page.evaluate((h) => { location.hash = h; }, hash);
  await page.waitForFunction((h) => location.hash.startsWith(h.split('?')[0]), hash);
  await page.waitForSelector('main h1', { timeout: 15000 });
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), null,
    { timeout: 15000 }).catch(() => {});
  await page.waitForTimeout(500);
}

/** Pages by address, with numbers and names of what the site has now. */
async function addresses(site) {
  const rows = async (path) => (await site.ask(`/api/v1/${path}`)).json().rows;
  const incident = (await rows('incidents?limit=1'))[0]
    ?? (await rows('incidents?limit=1&closed=1'))[0];
  const job = (await rows('jobs?limit=1&filter=state%3Drunning'))[0] ?? (await rows('jobs?limit=1'))[0];
  const node = (await rows('nodes?limit=1'))[0];
  const link = (await rows('links?limit=1'))[0], machine = (await rows('machines'))[0];
  return ['#/home', '#/incidents', `#/incidents/${incident.incident}`, '#/jobs', `#/jobs/${job.job}`,
    '#/queue', '#/nodes', `#/nodes/${node.name}`, '#/fleet', '#/fleet?metric=job', '#/topology',
    '#/orders', '#/parts', '#/whatif', '#/shadow', '#/audit', '#/events', '#/settings',
    '#/links', `#/links/${link.name}`, '#/machines', `#/machines/${machine.name}`];
}

async function looksFine(page, name, wrong, size) {
  const serious = await page.evaluate(async () => (await globalThis.axe.run(document, {
    resultTypes: ['violations'] })).violations
    .filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(' ')}`));
  ok(serious.length === 0, `${name}: axe finds nothing serious`, serious.join('\n'));
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth
    - document.scrollingElement.clientWidth);
  ok(wide <= 0, `${name}: nothing is wider than ${size.width} pixels`, `${wide} pixels over`);
  ok(wrong.length === 0, `${name}: no error, nothing blocked, no request elsewhere`,
    wrong.join('\n'));
  wrong.length = 0;
}

async function everyPage(browser, site, state, scheme, sizeName) {
  const context = await browser.newContext({ storageState: state, colorScheme: scheme,
    viewport: SIZES[sizeName], reducedMotion: 'reduce' });
  // axe is ours, not the page's: brought in beside the content policy, not through it.
  await context.addInitScript(axeSource);
  const page = await context.newPage();
  const wrong = watch(page, site);
  await page.goto(`${site.url}#/home`);
  for (const address of await addresses(site)) {
    const name = `${address} ${scheme} ${sizeName}`;
    try {
      await open(page, address);
      await looksFine(page, name, wrong, SIZES[sizeName]);
    } catch (e) {
      ok(false, `${name} opens`, `${e.message}\n${wrong.join('\n')}`);
      wrong.length = 0;
    }
  }
  await context.close();
}

/** From the home page to what broke, why, what was done, and whom it hurt. */
async function story(browser, site, state) {
  const context = await browser.newContext({ storageState: state, viewport: SIZES.desk });
  const page = await context.newPage();
  const wrong = watch(page, site);
  await page.goto(`${site.url}#/home`);
  await page.click('main a[href^="#/incidents/"]');
  await page.waitForFunction(() => /^#\/incidents\/\d+/.test(location.hash));
  const text = await until(10000, async () => {
    const t = await page.innerText('main');
    return /\$/.test(t) && t.length > 400 && t;
  });
  ok(text, 'an incident is one click from home, and says what it costs', text);
  await page.click('main a[href^="#/nodes/"]');
  await page.waitForFunction(() => /^#\/nodes\/./.test(location.hash));
  ok(await until(10000, async () => (await page.innerText('main')).length > 200),
    'its node is one click from there');
  await page.goBack();
  ok(await until(10000, async () => /#\/incidents\/\d+/.test(page.url())), 'and back');
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  ok(await until(5000, async () => page.url().includes('#/jobs')), 'g j goes to the jobs');
  await page.keyboard.press('?');
  ok(await until(5000, async () => page.isVisible('dialog[open]')), '? shows the keys');
  await page.keyboard.press('Escape');
  ok(wrong.length === 0, 'the story: no error, nothing blocked, no request elsewhere',
    wrong.join('\n'));
  await context.close();
}

async function drainAndReturn(browser, site, state) {
  const context = await browser.newContext({ storageState: state, viewport: SIZES.desk });
  const page = await context.newPage();
  const rows = (await site.ask('/api/v1/nodes?limit=1&filter=health%3Dready%20and%20holds%3D0')).json().rows;
  const node = rows[0].name;
  const holds = async () => (await site.ask(`/api/v1/nodes/${node}`)).json().node.holds;
  await page.goto(`${site.url}#/nodes/${node}`);
  await page.getByRole('button', { name: /^drain/i }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await until(10000, async () => /node/i.test(await dialog.innerText()));
  ok(/\$|GPU/.test(await dialog.innerText()), 'before a drain its blast radius is shown',
    await dialog.innerText());
  await dialog.getByRole('textbox').first().fill('browser test');
  await dialog.getByRole('button', { name: /drain/i }).last().click();
  ok(await until(10000, async () => await holds() > 0), 'the node is held after it');
  ok(await until(10000, async () => /browser test/.test(await page.innerText('main'))),
    'the page shows the reason');
  const audit = (await site.ask('/api/v1/audit?limit=50')).json().rows;
  ok(audit.some((r) => r.route === 'postCommand'), 'the audit has it', JSON.stringify(audit));
  await context.close();
}

/** The machine that all this runs on stands beside the replayed nodes, and its readings move. */
async function realMachine(browser, site, state) {
  const context = await browser.newContext({ storageState: state, viewport: SIZES.desk });
  const page = await context.newPage();
  const { name } = (await site.ask('/api/v1/machines')).json().rows[0];
  await page.goto(`${site.url}#/nodes`);
  await page.click(`main .here-strip a:has-text("${name}")`);
  ok(await until(10000, async () => page.url().endsWith(`#/machines/${encodeURIComponent(name)}`)),
    'the real machine is one click from the replayed nodes');
  ok(await until(20000, async () => await page.locator('.panel-chart canvas').count() >= 3),
    'its readings are drawn');
  const text = await page.innerText('main');
  ok(/measured/.test(text) && !/modelled/.test(text), 'they are marked measured, none modelled', text);
  const heard = async () => (await site.ask(`/api/v1/machines/${name}`)).json().machine.frames;
  const before = await heard();
  ok(await until(10000, async () => await heard() > before + 1), 'new readings come');
  await page.getByRole('button', { name: /10 a second/ }).click();
  ok(await until(10000, async () => {
    const from = await heard();
    await new Promise((done) => setTimeout(done, 1000));
    return await heard() - from >= 5;
  }), 'asked for it, the agent reads ten times a second');
  await context.close();
}

async function main() {
  const site = await startSite(mw, scenario, ['--speed', '20000', '--agent', agent]);
  const browser = await startBrowser();
  try {
    const found = await standStill(site, async (s) => (await s.ask(
      '/api/v1/incidents?limit=1')).json().total > 0 && (await s.ask(
      '/api/v1/incidents?limit=1&closed=1')).json().total > 2);
    ok(found, 'the replay has open and closed incidents');
    ok(await until(20000, async () => (await site.ask('/api/v1/machines')).json().rows.length === 1),
      'this machine is heard');
    const state = await logIn(browser, site);
    for (const scheme of only ? [] : ['light', 'dark'])
      for (const size of Object.keys(SIZES)) await everyPage(browser, site, state, scheme, size);
    await story(browser, site, state);
    await drainAndReturn(browser, site, state);
    await realMachine(browser, site, state);
  } finally {
    await browser.close();
    ok(await site.stop() === 0, 'the daemon ends cleanly');
  }
}

await main().catch((e) => ok(false, 'no exception', e.stack));
console.log(`1..${count}`);
process.exit(failed > 0 ? 1 : 0);
