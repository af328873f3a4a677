// @ts-check
// What the page costs the browser: how its heap grows, and how many frames a second it draws. `make bench-page` prints both.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { chromium } from '@playwright/test';
import config from './playwright.config.js';
import { run } from './browser/run.js';

/** Versions of the live stream after which the heap is measured. */
const VERSIONS = [1_000, 2_000, 5_000, 10_000, 20_000, 30_000];
/** How many versions of the real stream are recorded, to be played again and again. */
const RECORDED = 60;
/** How often the heap is looked at. */
const HEAP_LOOKS = 7;
const DRAWN_S = 20;
/** A busy view of 100 keys, the example stream's, at 1,000 events a second: series, histograms, the map and the top keys. */
const RATE = ['--rate', '1000'];
const VIEW = '/stream?columns=energy_gev,pt,eta';

/** The text of the messages up to and with each tick. @param {string} text */
const versions = (text) => text.split(/(?<=event: ?tick\n(?:.+\n)*\n)/);

/**
 * A version of the stream as it would have come so many intervals later: times in it are moved, and so are the numbers from
 * which the ids of anomalies are made, so that each is a new one.
 * @param {string} text @param {number} laterMs
 */
function later(text, laterMs) {
  return text.replace(/^data: ?(.*)$/gm, (_, body) => {
    const data = JSON.parse(body, (key, value) => {
      if (typeof value === 'number' && key.endsWith('_ms')) return value + laterMs;
      if (typeof value === 'number' && key === 'start_s') return value + Math.round(laterMs / 1000);
      if (typeof value === 'string' && key === 'time') return new Date(Date.parse(value) + laterMs).toISOString();
      if (typeof value === 'string' && key === 'id') return `${value}+${laterMs}`;
      return value;
    });
    return `data: ${JSON.stringify(data)}`;
  });
}

/**
 * How many seconds of the stream recorded versions have: as many as their series go on, so that when they are played again the
 * series goes on where it ended.
 * @param {string[]} recorded
 */
function seconds(recorded) {
  const series = [...recorded.join('').matchAll(/event: ?series\n(?:.+\n)*?data: ?(.*)\n/g)].map(([, body]) => JSON.parse(body ?? ''));
  const [first, last] = [series[0], series.at(-1)];
  if (!first || !last) throw new Error('nothing of a series was recorded');
  const buckets = /** @type {any} */ (Object.values(last.columns)[0]).count.length;
  // The last bucket is not full yet: the next version has it again.
  return last.start_s + (buckets - 1) * last.step_s - first.start_s;
}

/** Waits until more can be written, or nobody reads any more. @param {import('node:http').ServerResponse} response */
const writable = (response) =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve(undefined);
    };
    response.on('drain', done).on('close', done);
  });

/**
 * Passes everything on to a real run but its live stream: of that the first connection is recorded, then played again and again as
 * fast as the page reads it.
 * @param {string} to
 */
async function player(to) {
  const state = { sent: 0, until: 0, more: () => undefined };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', to);
    const given = await fetch(url, { headers: { accept: request.headers.accept ?? '*/*' } });
    const headers = Object.fromEntries([...given.headers].filter(([name]) => !/^(content-(length|encoding)|transfer-encoding|connection)$/.test(name)));
    response.writeHead(given.status, headers);
    if (!url.pathname.endsWith('/live') || !given.body) return void response.end(Buffer.from(await given.arrayBuffer()));
    let text = '';
    for await (const chunk of given.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (versions(text).length > RECORDED) break;
    }
    const [first = '', ...rest] = versions(text).slice(0, RECORDED);
    const roundMs = seconds(rest) * 1000;
    response.write(first);
    state.sent = 1;
    for (let round = 0; !response.destroyed; round += 1) {
      for (const each of rest) {
        while (state.sent >= state.until && !response.destroyed) await new Promise((resolve) => setTimeout(resolve, 20));
        if (!response.write(later(each, round * roundMs)) && !response.destroyed) await writable(response);
        state.sent += 1;
      }
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${own.port}/`, state, close: () => (server.closeAllConnections(), server.close()) };
}

/** Bytes of the page's heap once what is garbage has been collected: the least of a few looks, because a page that draws makes more
 * meanwhile. @param {import('@playwright/test').CDPSession} session */
async function heap(session) {
  let least = Infinity;
  for (let look = 0; look < HEAP_LOOKS; look += 1) {
    for (let round = 0; round < 3; round += 1) await session.send('HeapProfiler.collectGarbage');
    least = Math.min(least, (await session.send('Runtime.getHeapUsage')).usedSize);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return least;
}

const started = await run({ args: RATE });
const browser = await chromium.launch(config.use?.launchOptions);
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${started.url}#${VIEW}`);
  await page.locator('.fresh.live').waitFor();
  await page.waitForTimeout(5000);
  const drawn = await page.evaluate(
    (seconds) =>
      new Promise((resolve) => {
        let count = 0;
        const begun = performance.now();
        const next = () => {
          count += 1;
          const elapsed = performance.now() - begun;
          elapsed < seconds * 1000 ? requestAnimationFrame(next) : resolve((count * 1000) / elapsed);
        };
        requestAnimationFrame(next);
      }),
    DRAWN_S,
  );
  console.log(`frames a second that the browser draws, 100 keys at 1,000 events/s: ${Number(drawn).toFixed(1)}`);
  await page.close();

  const played = await player(started.url);
  const watching = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const session = await watching.context().newCDPSession(watching);
  await watching.goto(`${played.url}#${VIEW}`);
  /** @param {number} count */
  const reach = async (count) => {
    played.state.until = count;
    while (played.state.sent < count) await watching.waitForTimeout(50);
    await watching.waitForTimeout(2000);
    return heap(session);
  };
  let first = 0;
  for (const count of VERSIONS) {
    const bytes = await reach(count);
    first ||= bytes;
    console.log(`the browser's heap after ${count} versions: ${(bytes / 1e6).toFixed(2)} MB (${(bytes / first).toFixed(3)} times)`);
  }
  played.close();
} finally {
  await browser.close();
  await started.remove();
}
