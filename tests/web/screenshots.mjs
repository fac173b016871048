// Pictures of the console for the README and docs/console.md, of a replayed site at one moment of its
// own time, so that they are the same however fast this machine is.
//
//   node screenshots.mjs MW SCENARIO UNTIL FOLDER NAME...
//
// UNTIL: a time of the site, RFC 3339; NAME: a row of PICTURES.
import { mkdirSync } from 'node:fs';
import { SIZES, logIn, startBrowser, startSite, until } from './lab.mjs';

const [mw, scenario, moment, folder, ...names] = process.argv.slice(2);

const PICTURES = {
  home: { hash: () => '#/home' },
  'home-phone': { hash: () => '#/home', scheme: 'dark', size: 'phone' },
  incident: { hash: (of) => `#/incidents/${of.incident}` },
  job: { hash: (of) => `#/jobs/${of.job}` },
  node: { hash: (of) => `#/nodes/${of.node}`, scheme: 'dark' },
  fleet: { hash: () => '#/fleet', scheme: 'dark' },
  topology: { hash: () => '#/topology' },
  'orders-phone': { hash: () => '#/orders', size: 'phone' },
};

/** What the pictures are of: the open incident with the most ways weighed (else the dearest that is
 * over), its node, and the job that was restarted most often. */
async function subjects(site) {
  const rows = async (path) => (await site.ask(`/api/v1/${path}`)).json().rows;
  let chosen = (await rows('incidents?closed=1&sort=-lost_uusd&limit=1'))[0], most = 0;
  for (const r of await rows('incidents?limit=50')) {
    const { steps } = (await site.ask(`/api/v1/incidents/${r.incident}`)).json();
    const ways = Math.max(0, ...steps.map((s) => s.alternatives.length));
    if (ways > most) [chosen, most] = [r, ways];
  }
  const jobs = await rows('jobs?all=1&sort=-attempt,job&limit=1');
  return { incident: chosen.incident, node: chosen.node, job: jobs[0].job };
}

async function picture(browser, state, site, name, hash, { scheme = 'light', size = 'desk' } = {}) {
  const context = await browser.newContext({ storageState: state, colorScheme: scheme,
    viewport: SIZES[size], reducedMotion: 'reduce', deviceScaleFactor: size === 'phone' ? 2 : 1 });
  const page = await context.newPage();
  await page.goto(site.url + hash);
  await page.waitForSelector('main h1');
  await page.waitForTimeout(1500);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await context.close();
  console.log(`${folder}/${name}.png  ${hash}`);
}

const site = await startSite(mw, scenario, ['--speed', '0', '--paused']);
const browser = await startBrowser();
mkdirSync(folder, { recursive: true });
try {
  await site.ask('/api/v1/replay', { until: moment });
  const there = await until(120000, async () => {
    const r = (await site.ask('/api/v1/replay')).json();
    return Date.parse(r.now) >= Date.parse(moment) && r.state === 'paused';
  });
  if (!there) throw new Error(`the replay did not come to ${moment}: ${site.said()}`);
  const state = await logIn(browser, site);
  const of = await subjects(site);
  for (const name of names) {
    const { hash, ...how } = PICTURES[name];
    await picture(browser, state, site, name, hash(of), how);
  }
} finally {
  await browser.close();
  await site.stop();
}
