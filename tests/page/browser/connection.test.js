// @ts-check
import { expect, open, test } from './fixtures.js';
import { proxy, run } from './run.js';

/** How often the connection is cut: `make test-page` says more. */
const CUTS = Number(process.env.BEAMLINE_CUTS ?? 8);
/** Slow enough that every anomaly is sent live: one event in ten alarms. */
const SLOW = ['--rate', '40'];

/** @param {string} url @param {string} path */
const ask = async (url, path) => (await fetch(`${url}api/v1/streams/particle-events/${path}`)).json();

/** The ids in the list, after all that the page keeps have been drawn. @param {import('@playwright/test').Page} page */
async function listed(page) {
  const older = page.getByRole('button', { name: 'Show older' });
  const rows = page.locator('.rows .row');
  for (let count = -1; (await older.isVisible()) && (await rows.count()) !== count; ) {
    count = await rows.count();
    await older.click();
    await page.waitForTimeout(100);
  }
  return rows.evaluateAll((all) => all.map((each) => new URLSearchParams((each.getAttribute('href') ?? '').split('?')[1]).get('id') ?? ''));
}

test(`${CUTS} cuts of the connection lose nothing and show nothing twice`, async ({ page }) => {
  test.setTimeout(60_000 + CUTS * 6_000);
  const started = await run({ args: SLOW });
  const between = await proxy(started.url);
  try {
    await open(page, between.url, 'anomalies');
    await expect(page.locator('.rows .row').first()).toBeVisible();
    for (let cut = 0; cut < CUTS; cut += 1) {
      await page.waitForTimeout(400 + 130 * (cut % 7));
      between.cut();
      await expect(page.locator('.fresh.live')).toBeVisible();
    }
    await page.waitForTimeout(1500);
    await page.getByRole('button', { name: /pause/ }).click();
    const ids = await listed(page);
    expect(new Set(ids).size, 'an anomaly stands in the list twice').toBe(ids.length);
    // What the server has between the oldest and the newest that are shown.
    const all = /** @type {string[]} */ ([]);
    for (let cursor = ''; ; ) {
      const part = await ask(started.url, `anomalies?limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      all.push(...part.anomalies.map((/** @type {any} */ each) => each.id));
      cursor = part.next;
      if (!cursor || all.includes(ids.at(-1) ?? '')) break;
    }
    const shared = all.slice(all.indexOf(ids.find((id) => all.includes(id)) ?? ''), all.indexOf(ids.at(-1) ?? '') + 1);
    expect(shared.length).toBeGreaterThan(10);
    expect(ids.filter((id) => all.includes(id))).toEqual(shared);
  } finally {
    between.close();
    await started.remove();
  }
});

test('a killed run is seen at once, and the page goes on by itself when it is back', async ({ page }) => {
  const first = await run({ args: SLOW });
  const between = await proxy(first.url);
  let second;
  try {
    await open(page, between.url);
    await expect(page.getByText('Latest alarm')).toBeVisible();
    await expect.poll(async () => (await ask(first.url, 'anomalies?limit=1')).anomalies.length).toBe(1);
    const id = (await ask(first.url, 'anomalies?limit=1')).anomalies[0].id;
    const body = JSON.stringify({ kind: 'acknowledgement', text: 'before the power failed', anomalies: [id], author: 'Ada' });
    const answer = await fetch(`${first.url}api/v1/streams/particle-events/notes`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(answer.status).toBe(201);
    await first.kill();
    await expect(page.getByText(/No connection/)).toBeVisible();
    await expect(page.locator('main.stale')).toBeVisible();
    await expect(page.locator('.banner')).toContainText('what is shown is of');
    second = await run({ args: SLOW, out: first.out });
    between.turn(second.url);
    await expect(page.locator('.fresh.live')).toBeVisible({ timeout: 40_000 });
    await expect(page.locator('.banner')).toHaveCount(0);
    await expect(page.locator('main.stale')).toHaveCount(0);
    await page.goto(`${between.url}#/anomalies?id=${encodeURIComponent(id)}`);
    await expect(page.getByRole('article').locator('blockquote')).toContainText('before the power failed');
  } finally {
    between.close();
    await second?.kill();
    await first.remove();
  }
});

test('a server that falls silent is called stale within seconds', async ({ page, beamline }) => {
  const between = await proxy(beamline);
  try {
    await open(page, between.url);
    between.stall(true);
    await expect(page.locator('.fresh')).toContainText('Stale', { timeout: 8_000 });
    between.stall(false);
    between.cut();
    await expect(page.locator('.fresh.live')).toBeVisible();
  } finally {
    between.close();
  }
});

test('a hidden tab has no stream, and a tab that wakes is fresh at once', async ({ page, beamline }) => {
  await open(page, beamline);
  const streams = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/live?')).length);
  const hide = (/** @type {boolean} */ hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('/live?'));
  await hide(true);
  await ended;
  const before = await streams();
  await page.waitForTimeout(6000);
  expect(await streams(), 'a hidden tab asks for the stream').toBe(before);
  await expect(page.locator('.fresh')).toContainText('Stale');
  const resumed = page.waitForRequest((request) => request.url().includes('/live?'));
  await hide(false);
  expect((await resumed).url()).toContain('cursor=');
  await expect(page.locator('.fresh.live')).toBeVisible();
});
