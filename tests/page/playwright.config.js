// @ts-check
// A real browser (the system's Chromium) against real runs of `beamline`.
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

export default defineConfig({
  testDir: 'browser',
  testMatch: '*.test.js',
  outputDir: '../../target/page-tests',
  // The runs and the browser share the machine's processors.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  reporter: [['list']],
  projects: [
    { name: 'one-process' },
    // The views are the same whoever runs the stream.
    { name: 'kafka', testMatch: /(overview|anomalies|views)\.test\.js/ },
  ],
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    launchOptions: chromium ? { executablePath: chromium } : {},
  },
});
