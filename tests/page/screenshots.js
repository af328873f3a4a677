// @ts-check
// Takes the pictures of the documentation from a real run: `make screenshots`.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import config from './playwright.config.js';
import { run } from './browser/run.js';

const FOLDER = fileURLToPath(new URL('../../docs/page/', import.meta.url));
/** How long the run goes on before the first picture, so that there is something to see. */
const SECONDS = Number(process.env.BEAMLINE_SECONDS ?? 90);

/** @type {{ name: string, hash: string, theme: 'dark' | 'light', width?: number, height?: number, before?: (page: import('@playwright/test').Page) => Promise<void> }[]} */
const PICTURES = [
  { name: 'overview', hash: '/overview', theme: 'dark', width: 1360, height: 830 },
  {
    name: 'anomalies',
    hash: '/anomalies?reason=ewma',
    theme: 'dark',
    before: async (page) => {
      await page.locator('.rows .row').nth(1).click();
      await page.getByText('Which layers fired').waitFor();
    },
  },
  { name: 'stream', hash: '/stream?columns=energy_gev,pt,eta', theme: 'light' },
  { name: 'pipeline', hash: '/pipeline', theme: 'light', height: 430 },
  { name: 'phone', hash: '/overview', theme: 'light', width: 390, height: 844 },
];

mkdirSync(FOLDER, { recursive: true });
const given = process.env.BEAMLINE_PAGE;
const started = given ? null : await run();
const browser = await chromium.launch(config.use?.launchOptions);
try {
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  for (const { name, hash, theme, width = 1280, height = 800, before } of PICTURES) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme });
    await page.goto(`${given ?? started?.url}#${hash}`);
    await page.locator('.fresh.live').waitFor();
    await before?.(page);
    await page.mouse.move(0, 0);
    await page.waitForTimeout(3000);
    await page.screenshot({ path: join(FOLDER, `${name}.png`) });
    await page.close();
    console.log(`docs/page/${name}.png`, existsSync(join(FOLDER, `${name}.png`)) ? '' : 'is missing');
  }
} finally {
  await browser.close();
  await started?.remove();
}
