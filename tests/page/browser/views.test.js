// @ts-check
import { expect, numeral, open, test } from './fixtures.js';

test('stream: series and distributions grow, the map and the keys are there, and rewinding holds the picture', async ({ page, beamline }) => {
  await open(page, beamline, 'stream?span=2m');
  const first = page.locator('.column').first();
  await expect(first.getByRole('img', { name: /over 2 min; last/ })).toBeVisible();
  const value = first.locator('.value');
  const before = await value.textContent();
  await expect.poll(() => value.textContent()).not.toBe(before);
  const values = first.locator('.histogram figcaption');
  const seen = numeral(await values.textContent());
  await expect.poll(async () => numeral(await values.textContent())).toBeGreaterThan(seen);
  await expect(page.getByRole('img', { name: /by eta and phi/ })).toBeVisible();
  await page.getByRole('region', { name: 'Top keys', exact: true }).getByRole('button').first().click();
  await expect(page).toHaveURL(/key=det-/);
  await expect(first.getByRole('img', { name: /of key det-.* over 2 min/ })).toBeVisible();
  await page.getByLabel('Rewind').fill('-10');
  await expect(page).toHaveURL(/until=\d+/);
  const held = await value.textContent();
  await page.waitForTimeout(2500);
  expect(await value.textContent()).toBe(held);
  await page.getByRole('button', { name: 'Back to now' }).click();
  await expect.poll(() => value.textContent()).not.toBe(held);
  await page.getByRole('button', { name: '6 h' }).click();
  await expect(first.getByRole('img', { name: /over 6 h/ })).toBeVisible();
});

test('pause holds every figure until one goes on', async ({ page, beamline }) => {
  await open(page, beamline, 'stream');
  await expect(page.locator('.column .value').first()).toBeVisible();
  await page.keyboard.press('p');
  await expect(page.getByText('Paused.')).toBeVisible();
  const held = await page.locator('.column .value').allTextContents();
  await page.waitForTimeout(2500);
  expect(await page.locator('.column .value').allTextContents()).toEqual(held);
  await page.getByRole('button', { name: 'Go on', exact: true }).first().click();
  await expect.poll(() => page.locator('.column .value').allTextContents()).not.toEqual(held);
});

test('query: the example runs; table, plot, CSV; a mistake is explained; a long one is cancelled', async ({ page, beamline }) => {
  await open(page, beamline, 'query');
  await page.getByRole('button', { name: /^Run/ }).click();
  await expect(page.getByRole('region', { name: 'Rows' }).getByRole('row').nth(1)).toBeVisible();
  await page.getByLabel(/^SQL over/).fill('SELECT detector_id, count(*) AS n FROM processed_data GROUP BY 1 ORDER BY 1');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('columnheader', { name: 'n', exact: true })).toBeVisible();
  await expect(page).toHaveURL(/sql=SELECT/);
  await page.getByRole('button', { name: 'Plot' }).click();
  await expect(page.locator('.bars li').first()).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  const text = await (await download.createReadStream()).toArray().then((parts) => Buffer.concat(parts).toString());
  expect(text.split(/\r?\n/)[0]).toBe('detector_id,n');
  await page.getByLabel(/^SQL over/).fill('SELECT energy_gex FROM processed_data');
  await page.getByRole('button', { name: /^Run/ }).click();
  await expect(page.getByRole('alert')).toContainText('energy_gex');
  await page.getByLabel(/^SQL over/).fill('DELETE FROM processed_data');
  await page.getByRole('button', { name: /^Run/ }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByLabel(/^SQL over/).fill('SELECT sum(a.energy_gev * b.energy_gev * c.energy_gev) FROM processed_data a, processed_data b, processed_data c');
  await page.getByRole('button', { name: /^Run/ }).click();
  await expect(page.getByText('Running …')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Running …')).toHaveCount(0);
  await expect(page.getByRole('button', { name: /^Run/ })).toBeEnabled();
});

test('pipeline: every stage with its rate, and one node opened by keyboard', async ({ page, beamline }) => {
  await open(page, beamline, 'pipeline');
  for (const name of ['enrich', 'detect', 'aggregate']) await expect(page.getByRole('button', { name: new RegExp(`^${name}.*/s.*stage, fine`) })).toBeVisible();
  await page.getByRole('button', { name: /^detect/ }).press('Enter');
  await expect(page).toHaveURL(/node=detect/);
  await expect(page.getByRole('article')).toContainText('anomalies');
});

test('hand-over: a note is kept, and the shift comes as Markdown', async ({ page, beamline }) => {
  await open(page, beamline, 'hand-over?hours=1');
  await expect(page.getByRole('region', { name: 'Open matters' })).toBeVisible();
  await page.getByLabel('For the next shift').fill('cooling of sector 4 is watched');
  await page.getByRole('button', { name: 'Add the note' }).click();
  await expect(page.locator('blockquote')).toContainText(['cooling of sector 4 is watched']);
  await expect(page.getByRole('region', { name: 'Episodes' }).getByRole('row').nth(1)).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download as Markdown' }).click()]);
  const text = await (await download.createReadStream()).toArray().then((parts) => Buffer.concat(parts).toString());
  expect(text).toMatch(/^# /);
  expect(text).toContain('cooling of sector 4 is watched');
});

test('no dead letters is a good thing, and says so', async ({ page, beamline }) => {
  await open(page, beamline, 'dead-letters');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('0 open dead letters');
  await expect(page.getByText('No dead letters', { exact: true })).toBeVisible();
});

test('a view that is not there, and a stream that is not, lead back', async ({ page, beamline }) => {
  await open(page, beamline);
  await page.goto(`${beamline}#/nowhere`);
  await expect(page.getByText('There is no view “nowhere”.')).toBeVisible();
  await page.getByRole('link', { name: 'Go to the overview' }).click();
  await expect(page.locator('.sentence')).toBeVisible();
});
