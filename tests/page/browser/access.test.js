// @ts-check
// With tokens the page asks for one, and shows what that one may do.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessible, expect, test } from './fixtures.js';
import { run } from './run.js';

const VIEWER = 'a token for those who look';
const OPERATOR = 'a token for those who act';

test('a viewer looks, an operator acknowledges, and a token that changes is asked for anew', async ({ page }) => {
  const tokens = mkdtempSync(join(tmpdir(), 'beamline-tokens-'));
  writeFileSync(join(tokens, 'viewer'), VIEWER);
  writeFileSync(join(tokens, 'operator'), OPERATOR);
  const started = await run({ args: ['--page-tokens', tokens] });
  const enter = async (/** @type {string} */ token) => {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Open the page' }).click();
  };
  const openFirst = async () => {
    await page.goto(`${started.url}#/anomalies`);
    await page.locator('.rows .row').nth(2).click();
    await expect(page.getByRole('article')).toContainText('Which layers fired');
  };
  try {
    await page.goto(started.url);
    await expect(page.getByRole('heading', { name: 'This page needs a token' })).toBeVisible();
    await accessible(page);
    await enter('not one of them at all');
    await expect(page.getByRole('alert')).toContainText('not one that the server knows');
    await enter(VIEWER);
    await expect(page.locator('.fresh.live')).toBeVisible();
    await openFirst();
    await expect(page.getByRole('article')).toContainText('open the page with the token of an operator');
    await expect(page.getByRole('button', { name: 'Acknowledge', exact: true })).toHaveCount(0);
    writeFileSync(join(tokens, 'viewer'), `${VIEWER}, a new one`);
    await expect(page.getByRole('heading', { name: 'This page needs a token' })).toBeVisible({ timeout: 40_000 });
    await enter(OPERATOR);
    await expect(page.locator('.fresh.live')).toBeVisible();
    await openFirst();
    await page.getByRole('article').getByLabel('Note').fill('seen');
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await expect(page.getByRole('article').locator('.facts')).toContainText('acknowledged by');
  } finally {
    await started.remove();
    rmSync(tokens, { recursive: true });
  }
});
