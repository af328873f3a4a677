// @ts-check
import { accessible, expect, numeral, open, test } from './fixtures.js';

test('one sentence says how things are, and the figures follow the stream', async ({ page, beamline }) => {
  await open(page, beamline);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('particle-events is running');
  const records = page.locator('.equation .in dd');
  await expect.poll(async () => numeral(await records.textContent())).toBeGreaterThan(0);
  const before = numeral(await records.textContent());
  await expect.poll(async () => numeral(await records.textContent())).toBeGreaterThan(before);
  await expect(page.locator('.verdict')).toHaveText(/balances/);
  for (const figure of ['Rate', 'Lag', 'Latency']) await expect(page.getByRole('region', { name: figure })).toContainText(/\d/);
  await expect(page.getByRole('region', { name: 'Stages' }).getByRole('listitem')).toHaveCount(5);
  await accessible(page);
});

test('the ledger adds up on the wall', async ({ page, beamline }) => {
  await open(page, beamline);
  await expect.poll(async () => numeral(await page.locator('.equation .in dd').textContent())).toBeGreaterThan(0);
  const terms = await page.evaluate(() => [...document.querySelectorAll('.equation dd')].map((each) => Number((each.textContent ?? '').replace(/\D/g, ''))));
  expect(terms.slice(1).reduce((sum, value) => sum + value, 0)).toBe(terms[0]);
});

test('alarms stand beside the false-alarm rate that was asked', async ({ page, beamline }) => {
  await open(page, beamline);
  const row = page.getByRole('listitem').filter({ hasText: /^ewma/ });
  await expect(row).toContainText('of 0.1\u202f% asked');
  await expect(page.getByRole('listitem').filter({ hasText: /^high_energy/ })).toContainText('a rule has no budget');
});

test('the latest alarm, its detector and its reason are one click away', async ({ page, beamline }) => {
  await open(page, beamline);
  await page.getByText('Latest alarm').click();
  const story = page.getByRole('article');
  await expect(story).toContainText('Which layers fired');
  const fired = await story.locator('.layers .fired b').allTextContents();
  expect(fired.length).toBeGreaterThan(0);
  await expect(story.locator('.head')).toContainText(fired[0] ?? '');
  await expect(story.getByRole('heading', { level: 2 })).not.toBeEmpty();
});

test('the age of what is shown goes on counting when nothing comes', async ({ page, beamline }) => {
  await open(page, beamline);
  await page.context().setOffline(true);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.getByRole('button', { name: /pause/ }).click();
  const age = page.locator('.fresh .numbers');
  await expect.poll(async () => numeral(await age.textContent())).toBeGreaterThan(3);
  await expect(page.getByText('Paused.')).toBeVisible();
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Go on', exact: true }).click();
  await expect.poll(async () => numeral(await age.textContent())).toBeLessThan(2.5);
});

test('times are UTC and say so, or of the browser where the address asks', async ({ page, beamline }) => {
  await open(page, beamline);
  await expect(page.locator('.clock')).toContainText('UTC');
  const shown = await page.locator('.clock .numbers').textContent();
  const [hours, minutes] = (shown ?? '').split(':').map(Number);
  const now = new Date();
  const apart = Math.abs(now.getUTCHours() * 60 + now.getUTCMinutes() - ((hours ?? 0) * 60 + (minutes ?? 0)));
  expect(Math.min(apart, 1440 - apart)).toBeLessThan(2);
  await page.keyboard.press('u');
  await expect(page).toHaveURL(/zone=local/);
  await expect(page.locator('.clock')).toContainText(/UTC[+−]\d\d:\d\d/);
});
