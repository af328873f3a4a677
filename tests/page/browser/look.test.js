// @ts-check
import { accessible, expect, open, test } from './fixtures.js';

const VIEWS = ['overview', 'anomalies', 'stream', 'dead-letters', 'query', 'pipeline', 'hand-over'];
/** The whole page, gzipped, in bytes. */
const PAGE_MAX = 80_000;

for (const view of VIEWS) {
  test(`${view} fits a phone, and both themes are accessible`, async ({ page, beamline }) => {
    for (const theme of ['dark', 'light']) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await open(page, beamline, `${view}?theme=${theme}`);
      await expect(page.locator('.loading')).toHaveCount(0);
      await expect(page.locator('.failed')).toHaveCount(0);
      await accessible(page);
      await page.setViewportSize({ width: 360, height: 740 });
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth), { message: 'wider than the phone' }).toBeLessThanOrEqual(0);
      await accessible(page);
    }
  });
}

test('the theme follows the system, and the address where it says one', async ({ page, beamline }) => {
  const dark = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.slice(0, 3).every((part) => Number(part) < 64));
  await page.emulateMedia({ colorScheme: 'light' });
  await open(page, beamline);
  expect(await dark()).toBe(false);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await dark()).toBe(true);
  await page.getByRole('button', { name: /^Theme: as the system/ }).click();
  await page.getByRole('button', { name: /^Theme: dark/ }).click();
  await expect(page).toHaveURL(/theme=light/);
  expect(await dark()).toBe(false);
  await page.reload();
  await expect(page.locator('.fresh.live')).toBeVisible();
  expect(await dark()).toBe(false);
});

test('everything is done with the keyboard alone: to an alarm, its story, and an acknowledgement', async ({ page, beamline }) => {
  await open(page, beamline);
  await page.keyboard.press('Tab');
  await expect(page.getByText('Skip to the content')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#main')).toBeFocused();
  await page.keyboard.press('2');
  await expect(page).toHaveURL(/#\/anomalies/);
  await expect(page.locator('.rows .row').nth(3)).toBeVisible();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(page.locator('.rows .row').nth(1)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article')).toContainText('Which layers fired');
  for (let steps = 0; steps < 200 && !(await page.getByRole('article').getByLabel('Note').evaluate((note) => note === document.activeElement)); steps += 1) await page.keyboard.press('Tab');
  await page.keyboard.type('typed, not clicked: 1 2 3');
  await expect(page).toHaveURL(/#\/anomalies/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article').locator('.facts')).toContainText('acknowledged by');
  await page.keyboard.press('Escape');
  await expect(page).not.toHaveURL(/id=/);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.getByRole('checkbox', { name: /Keys of one character/ }).press('Space');
  await page.keyboard.press('Escape');
  await page.locator('#main').focus();
  await page.keyboard.press('3');
  await expect(page).toHaveURL(/#\/anomalies/);
});

test(`the whole page has at most ${PAGE_MAX} bytes gzipped`, async ({ page, beamline }) => {
  await open(page, beamline);
  for (const view of VIEWS) await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
  const names = await page.evaluate(() => ['./', ...performance.getEntriesByType('resource').map(({ name }) => name)]);
  const files = new Set(names.map((name) => new URL(name, beamline).href).filter((name) => !name.includes('/api/')));
  files.add(new URL('icons/beamline.svg', beamline).href);
  let bytes = 0;
  for (const file of files) {
    const answer = await page.request.fetch(file, { headers: { 'accept-encoding': 'gzip' } });
    bytes += Number(answer.headers()['content-length']);
  }
  expect(files.size).toBeGreaterThan(5);
  expect(bytes).toBeLessThanOrEqual(PAGE_MAX);
});
