// @ts-check
import { accessible, expect, numeral, open, test } from './fixtures.js';

/** @param {import('@playwright/test').Page} page */
const rows = (page) => page.locator('.rows .row');

test('the newest is first, and new ones come by themselves', async ({ page, beamline }) => {
  await open(page, beamline, 'anomalies');
  await expect(rows(page).nth(10)).toBeVisible();
  const times = await page.locator('.rows time').evaluateAll((all) => all.map((each) => each.getAttribute('datetime') ?? ''));
  expect(times).toEqual([...times].sort().reverse());
  const first = await rows(page).first().getAttribute('href');
  await expect.poll(() => rows(page).first().getAttribute('href')).not.toBe(first);
  await accessible(page);
});

test('the list stands still under the pointer, and says how many are newer', async ({ page, beamline }) => {
  await open(page, beamline, 'anomalies');
  await rows(page).nth(3).hover();
  await expect(page.getByText('Held while you are on the list').or(page.getByRole('button', { name: /newer/ }))).toBeVisible();
  const before = await rows(page).evaluateAll((all) => all.slice(0, 10).map((each) => each.getAttribute('href')));
  const newer = page.getByRole('button', { name: /Show \d.* newer/ });
  await expect(newer).toBeVisible();
  await page.waitForTimeout(2500);
  expect(await rows(page).evaluateAll((all) => all.slice(0, 10).map((each) => each.getAttribute('href')))).toEqual(before);
  await newer.click();
  await expect.poll(() => rows(page).first().getAttribute('href')).not.toBe(before[0]);
});

test('filters choose, stand in the address, and survive a reload', async ({ page, beamline }) => {
  await open(page, beamline, 'anomalies');
  await page.getByRole('button', { name: /^high_energy/ }).click();
  await expect(page).toHaveURL(/reason=high_energy/);
  await expect(rows(page).first()).toContainText('high_energy');
  const key = ((await rows(page).first().locator('.key b').textContent()) ?? '').trim();
  await page.getByLabel('Key').fill(key);
  await expect(page).toHaveURL(new RegExp(`key=${key}`));
  await page.reload();
  await expect(rows(page).first()).toBeVisible();
  await expect(page.getByLabel('Key')).toHaveValue(key);
  for (const text of await rows(page).allTextContents()) {
    expect(text).toContain('high_energy');
    expect(text).toContain(`key ${key}`);
  }
  await expect(page.getByLabel('command')).toContainText(`detector_id = '${key}'`);
  await page.getByLabel('Key').fill('no such key');
  await expect(page.getByText('No anomaly passes these filters')).toBeVisible();
  await page.getByRole('link', { name: 'Take the filters away' }).click();
  await expect(rows(page).first()).toBeVisible();
});

test('a story has what was measured, what was expected, the history and who else alarmed', async ({ page, beamline }) => {
  await open(page, beamline, 'anomalies?reason=high_energy');
  await rows(page).nth(2).click();
  const story = page.getByRole('article');
  await expect(story.getByText('Which layers fired')).toBeVisible();
  await expect(story.locator('.layers .fired')).toContainText(['high_energy']);
  await expect(story.getByRole('img', { name: /events around the alarm/ })).toBeVisible();
  await story.getByRole('button', { name: 'As a table' }).click();
  await expect(story.getByRole('cell', { name: 'this alarm' })).toHaveCount(1);
  await expect(story.getByRole('heading', { name: /Other keys that alarmed/ })).toBeVisible();
  await expect(story.getByRole('rowheader', { name: 'energy_gev' })).toBeVisible();
  await expect(story.getByLabel('command')).toContainText('beamline query');
  await accessible(page);
});

test('an acknowledgement is seen at once, by others, and after a reload', async ({ page, beamline, context }) => {
  await open(page, beamline, 'anomalies?acknowledged=no');
  await rows(page).nth(5).click();
  const story = page.getByRole('article');
  await expect(story.locator('.facts')).toContainText('open');
  const address = page.url();
  const other = await context.newPage();
  await other.goto(address.replace('acknowledged=no', ''));
  await expect(other.getByRole('article')).toContainText('Which layers fired');
  await story.getByLabel('Note').fill('a test pulse, nothing else');
  await story.getByLabel('Your name').fill('Ada');
  await story.getByRole('button', { name: 'Acknowledge', exact: true }).click();
  await expect(story.locator('.facts')).toContainText('acknowledged by Ada');
  await expect(other.getByRole('article').locator('.facts')).toContainText('acknowledged by Ada');
  await page.reload();
  await expect(page.getByRole('article').locator('blockquote')).toContainText('a test pulse, nothing else');
});

test('all that are shown are acknowledged at once, and no others', async ({ page, beamline }) => {
  await open(page, beamline, 'anomalies?reason=high_energy&acknowledged=no');
  await rows(page).nth(20).hover();
  const button = page.getByRole('button', { name: /Acknowledge the \d+ shown/ });
  const shown = numeral(await button.textContent());
  await button.click();
  await page.getByLabel('Note').fill('all of one cause');
  const [request] = await Promise.all([
    page.waitForRequest((each) => each.method() === 'POST' && each.url().endsWith('/notes')),
    page.getByRole('button', { name: /^Acknowledge \d+ anomalies$/ }).click(),
  ]);
  expect(request.postDataJSON().anomalies).toHaveLength(shown);
  expect((await request.response())?.status()).toBe(201);
  await page.goto(`${beamline}#/anomalies?acknowledged=yes`);
  await expect(rows(page).first()).toBeVisible();
});
