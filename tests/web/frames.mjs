// How the console feels: bytes of its first load, time to its pages, frames a second while the map
// of the fleet is moved and zoomed, and those of an empty page beside it.  Prints JSON.
//
//   node frames.mjs URL LINK        LINK: one that logs in once
import { SIZES, sleep, startBrowser } from './lab.mjs';

const [url, link] = process.argv.slice(2);
const MOVES_MS = 6000;

/** Time between frames, as long as `during` takes. */
async function frames(page, during) {
  await page.evaluate(() => {
    globalThis.ticks = [];
    const tick = (t) => { globalThis.ticks.push(t); globalThis.ticking = requestAnimationFrame(tick); };
    globalThis.ticking = requestAnimationFrame(tick);
  });
  await during();
  const t = await page.evaluate(() => { cancelAnimationFrame(globalThis.ticking);
    return globalThis.ticks; });
  return t.slice(1).map((x, i) => x - t[i]).sort((a, b) => a - b);
}

const rate = (gaps) => 1000 * gaps.length / gaps.reduce((a, b) => a + b, 0);

const browser = await startBrowser();
try {
  const context = await browser.newContext({ viewport: SIZES.desk });
  const empty = await context.newPage();
  await empty.goto(`${url}/version`);
  const floor = await frames(empty, () => sleep(2000));
  await empty.close();
  const page = await context.newPage();
  const client = await context.newCDPSession(page);
  await client.send('Network.enable');
  let bytes = 0;
  const assets = new Set();
  client.on('Network.responseReceived', (e) => {
    if (!e.response.url.includes('/api/')) assets.add(e.requestId);
  });
  client.on('Network.loadingFinished', (e) => {
    if (assets.has(e.requestId)) bytes += e.encodedDataLength;
  });
  const began = Date.now();
  await page.goto(link);
  await page.waitForFunction(() => location.hash === '#/home');
  await page.waitForSelector('main .card');
  const home = Date.now() - began;
  const mapBegan = Date.now();
  await page.evaluate(() => { location.hash = '#/fleet'; });
  await page.waitForSelector('main canvas');
  await page.waitForSelector('.map canvas');
  await page.waitForFunction(() => !document.querySelector('.map-over'));
  const map = Date.now() - mapBegan;
  const box = await (await page.waitForSelector('main canvas')).boundingBox();
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  await page.mouse.move(x, y);
  const gaps = await frames(page, async () => {
    const end = Date.now() + MOVES_MS;
    for (let i = 0; Date.now() < end; i++) {
      if (i % 40 < 20) {
        await page.mouse.wheel(0, i % 40 < 10 ? -60 : 60);
        await sleep(16);
      } else if (i % 40 === 20) await page.mouse.down();
      else if (i % 40 === 39) await page.mouse.up();
      else await page.mouse.move(x + 6 * (i % 40 - 30), y + 3 * (i % 40 - 30));
      await sleep(10);
    }
    await page.mouse.up();
  });
  console.log(JSON.stringify({ bytes, home_ms: home, map_ms: map, fps: rate(gaps),
    p99_ms: gaps[Math.floor(gaps.length * 0.99)], floor_fps: rate(floor) }));
} finally {
  await browser.close();
}
