// @ts-check
// Events whose strings are markup, code and formulas go through every view, and stay text.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, open, test } from './fixtures.js';
import { run } from './run.js';

const STRINGS = [
  '<img src=x onerror="globalThis.pwned=1">',
  '<script>globalThis.pwned=1</script>',
  '"><svg onload=globalThis.pwned=1>',
  "javascript:globalThis.pwned=1//'",
  '</textarea></select><iframe srcdoc="<script>parent.pwned=1</script>">',
  '=HYPERLINK("http://x","y")',
  "Robert'); DROP TABLE anomalies;--",
  '\u202eright to left, \u0000-free, and \ud83d\ude00',
  'a&b=c#d?e/f%20<x',
];
const MARKUP = STRINGS[0] ?? '';

/** Two events a string: one that alarms and one that is a dead letter. */
function lines() {
  const now = Date.now() * 1000;
  return STRINGS.flatMap((text, index) => [
    { id: `${text} ${index}`, at: now + index, who: text, text, value: 500 + index },
    { id: `dead ${text}`, at: now + index, who: text, text, value: -1 },
    { id: `quiet ${index}`, at: now + index, who: text, text, value: 1 },
  ]).map((event) => `${JSON.stringify(event)}\n`).join('');
}

/** Nothing ran, nothing became an element, and the text is there as it came. @param {import('@playwright/test').Page} page @param {string | null} [text] */
async function harmless(page, text = MARKUP) {
  if (text) await expect(page.getByText(text, { exact: false }).first()).toBeVisible();
  expect(await page.evaluate(() => /** @type {any} */ (globalThis).pwned)).toBeUndefined();
  expect(await page.locator('iframe, #page script, #page img, #page [onerror], #page [onload], #page a[href^="javascript:"]').count()).toBe(0);
}

test('hostile strings stay text in every view', async ({ page }) => {
  const stream = fileURLToPath(new URL('../streams/hostile.yaml', import.meta.url));
  const started = await run({ stream, args: ['--stdin', 'jsonl', '--page-redrive'], input: lines() });
  const { url } = started;
  try {
    await open(page, url);
    await expect(page.getByText('Latest alarm')).toBeVisible();
    await harmless(page, null);
    await page.goto(`${url}#/anomalies`);
    await expect(page.locator('.rows .row')).toHaveCount(STRINGS.length);
    await harmless(page);
    for (const row of await page.locator('.rows .row').all()) {
      await row.click();
      await expect(page.getByRole('article')).toContainText('Which layers fired');
      await expect(page.getByRole('article').getByRole('rowheader', { name: 'text' })).toBeVisible();
      await harmless(page, null);
    }
    await page.getByRole('article').getByLabel('Note').fill(MARKUP);
    await page.getByRole('article').getByLabel('Your name').fill(MARKUP);
    await page.getByRole('article').getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await expect(page.getByRole('article').locator('blockquote')).toContainText(MARKUP);
    await harmless(page);
    for (const key of STRINGS) {
      await page.goto(`${url}#/anomalies?key=${encodeURIComponent(key)}`);
      await expect(page.locator('.rows .row'), key).toHaveCount(1);
    }
    await page.goto(`${url}#/stream?key=${encodeURIComponent(MARKUP)}`);
    await expect(page.getByLabel('Key')).toHaveValue(MARKUP);
    await expect(page.getByRole('region', { name: 'Top keys', exact: true })).toContainText(MARKUP);
    await harmless(page, null);
    await page.goto(`${url}#/dead-letters`);
    await expect(page.locator('.rows .row')).toHaveCount(STRINGS.length);
    await page.locator('.rows .row').first().click();
    await expect(page.getByRole('article')).toContainText('Byte by byte');
    await harmless(page, null);
    await page.goto(`${url}#/query?sql=${encodeURIComponent('SELECT who, text, value FROM processed_data ORDER BY value DESC')}`);
    await page.getByRole('button', { name: /^Run/ }).click();
    await expect(page.getByRole('cell', { name: MARKUP }).first()).toBeVisible();
    await page.getByRole('button', { name: 'Plot' }).click();
    await harmless(page);
    await page.goto(`${url}#/query?sql=${encodeURIComponent(`SELECT '${MARKUP.replaceAll("'", "''")}' FROM nowhere`)}`);
    await page.getByRole('button', { name: /^Run/ }).click();
    await expect(page.getByRole('alert')).toBeVisible();
    await harmless(page, null);
    await page.goto(`${url}#/pipeline`);
    await harmless(page, null);
    await page.goto(`${url}#/hand-over`);
    await harmless(page);
    await page.goto(`${url}#/${MARKUP}?stream=${MARKUP}&theme=${MARKUP}`);
    await harmless(page, null);
  } finally {
    await started.remove();
  }
});

test('a repaired record is tried first, then put back, and leaves the open count', async ({ page }) => {
  const stream = fileURLToPath(new URL('../streams/hostile.yaml', import.meta.url));
  const started = await run({ stream, args: ['--stdin', 'jsonl', '--page-redrive'], input: lines() });
  try {
    await open(page, started.url, 'dead-letters');
    await expect(page.getByRole('heading', { level: 1 })).toContainText(`${STRINGS.length} open dead letters`);
    await page.locator('.rows .row').last().click();
    const story = page.getByRole('article');
    const record = story.getByLabel('The record as JSON');
    const back = story.getByRole('button', { name: 'Put it back' });
    await expect(back).toBeDisabled();
    await story.getByRole('button', { name: /^Try it/ }).click();
    await expect(story.getByRole('status')).toContainText('positive');
    await expect(back).toBeDisabled();
    await record.fill('{"id": ');
    await story.getByRole('button', { name: /^Try it/ }).click();
    await expect(story.getByRole('alert')).toContainText('not JSON');
    await record.fill(JSON.stringify({ id: 'repaired', at: new Date().toISOString(), who: 'me', text: MARKUP, value: 2 }));
    await story.getByRole('button', { name: /^Try it/ }).click();
    await expect(back).toBeEnabled();
    await back.click();
    await expect(page.getByRole('heading', { level: 1 })).toContainText(`${STRINGS.length - 1} open dead letters`);
    await expect(story.locator('.facts')).toContainText('put back');
    await harmless(page, null);
  } finally {
    await started.remove();
  }
});

test('a formula in an event does not become one in a spreadsheet', async ({ page, request }) => {
  const stream = fileURLToPath(new URL('../streams/hostile.yaml', import.meta.url));
  const started = await run({ stream, args: ['--stdin', 'jsonl'], input: lines() });
  try {
    await open(page, `${started.url}`, `query?sql=${encodeURIComponent('SELECT text FROM processed_data')}`);
    await expect.poll(async () => (await (await request.get(join(started.url, 'api/v1/streams/hostile/overview').replace(':/', '://'))).json()).ledger.records).toBeGreaterThan(20);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
    expect(download.suggestedFilename()).toBe('hostile.csv');
    const text = await (await download.createReadStream()).toArray().then((parts) => Buffer.concat(parts).toString());
    expect(text).toContain("'=HYPERLINK");
    expect(text).not.toMatch(/^"?=/m);
  } finally {
    await started.remove();
  }
});
