// @ts-check
// One run of the example stream for all tests of a worker, and a page on which nothing may go wrong unseen.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect } from '@playwright/test';
import { onKafka } from './kafka.js';
import { run } from './run.js';

/** @typedef {import('./run.js').Run} Run */

export { expect };

/** What the browser itself says when a connection is cut: not an error of the page. */
const NETWORK = /Failed to load resource|net::ERR_/;

/** @typedef {{ beamline: string }} OfWorker the address of a page of the example stream */

export const test = /** @type {import('@playwright/test').TestType<import('@playwright/test').PlaywrightTestArgs & import('@playwright/test').PlaywrightTestOptions, import('@playwright/test').PlaywrightWorkerArgs & import('@playwright/test').PlaywrightWorkerOptions & OfWorker>} */ (base).extend({
  beamline: [
    // Playwright wants the pattern, also where nothing is taken.
    async ({}, use, { project }) => {
      const given = process.env.BEAMLINE_PAGE;
      const started = given ? null : await (project.name === 'kafka' ? onKafka() : run());
      await use(given ?? started?.url ?? '');
      await started?.remove();
    },
    { scope: 'worker', timeout: 400_000 },
  ],
  page: async ({ page }, use) => {
    const wrong = /** @type {string[]} */ ([]);
    page.on('pageerror', (error) => wrong.push(`${error.name}: ${error.message}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !NETWORK.test(message.text())) wrong.push(message.text());
    });
    page.on('dialog', (dialog) => {
      wrong.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.addInitScript(() => {
      const seen = /** @type {any} */ (globalThis);
      seen.violations = [];
      addEventListener('securitypolicyviolation', (event) => seen.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    await use(page);
    const violations = page.isClosed() ? [] : await page.evaluate(() => /** @type {any} */ (globalThis).violations ?? []).catch(() => []);
    expect(violations, 'the content security policy was not kept').toEqual([]);
    expect(wrong, 'the browser reported errors').toEqual([]);
  },
});

/** Opens a view and waits until it is live. @param {import('@playwright/test').Page} page @param {string} url @param {string} [hash] */
export async function open(page, url, hash = '') {
  await page.goto(`${url}#/${hash}`);
  await expect(page.locator('.fresh.live')).toBeVisible();
}

/** Nothing that axe calls serious or critical. @param {import('@playwright/test').Page} page */
export async function accessible(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  const found = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)).toEqual([]);
}

/** The number in a text of the page. @param {string | null} text */
export const numeral = (text) => Number((text ?? '').replace(/[\u202f\s]/g, '').match(/\d+(\.\d+)?/)?.[0] ?? NaN);
