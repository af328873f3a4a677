// @ts-check
// The page of a stream on a cluster, opened as a person would: `node cluster.js URL STREAM VIEWER-TOKEN OPERATOR-TOKEN`.
// Finds anomalies that the source has injected, and sees that a viewer may look and not act.
import { chromium, expect } from '@playwright/test';
import config from './playwright.config.js';

const [url = '', stream = '', viewer = '', operator = ''] = process.argv.slice(2);
const api = `${url}/api/v1/streams/${stream}`;
/** @param {string} token */
const asked = (token) => ({ Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' });

const browser = await chromium.launch(config.use?.launchOptions);
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const patient = expect.configure({ timeout: 60_000 });
  await page.goto(url);
  await page.getByLabel('Token').fill(viewer);
  await page.getByRole('button', { name: 'Open the page' }).click();
  await page.locator('.fresh.live').waitFor();
  await patient(page.getByRole('heading', { level: 1 })).toContainText(`${stream} is running`);
  await patient(page.locator('.verdict')).toHaveText(/balances/);
  // The label that the detector never sees says what was injected.
  await page.goto(`${url}/#/query?stream=${stream}`);
  await page.getByLabel(/^SQL over/).fill('SELECT event_id FROM anomalies WHERE is_anomaly ORDER BY timestamp DESC LIMIT 5');
  await page.getByRole('button', { name: /^Run/ }).click();
  const cell = page.getByRole('region', { name: 'Rows' }).getByRole('cell').first();
  await cell.waitFor();
  const injected = ((await cell.textContent()) ?? '').trim();
  await page.goto(`${url}/#/anomalies?stream=${stream}&id=${encodeURIComponent(injected)}`);
  const story = page.getByRole('article');
  await patient(story).toContainText('Which layers fired');
  await patient(story.locator('.layers .fired').first()).toBeVisible();
  await patient(story).toContainText('open the page with the token of an operator');
  const note = JSON.stringify({ kind: 'note', text: 'seen from the cluster' });
  const status = async (/** @type {Record<string, string>} */ headers) =>
    (await fetch(`${api}/notes`, { method: 'POST', headers, body: note })).status;
  const found = [await status({ 'Content-Type': 'application/json' }), await status(asked(viewer)), await status(asked(operator))];
  expect(found).toEqual([401, 403, 201]);
  console.log(`the page shows ${injected}, which the source injected; a viewer may not write, an operator may`);
} finally {
  await browser.close();
}
