// @ts-check
// The same stream on Kafka: servers of its own, the stream's services, and a dashboard, each a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM, ROOT } from './run.js';

/** How long the servers may take: the first time they are fetched. */
const SERVERS_MS = 300_000;
const PAGE_MS = 60_000;
const STREAM = join(ROOT, 'streams/particle-events.yaml');

/** A port that nobody has. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** @param {string} name of a program beside `beamline` */
const beside = (name) => join(PROGRAM, '..', name);

/**
 * Starts everything and waits until the page has seen events.
 * @returns {Promise<{ url: string, remove: () => Promise<void> }>}
 */
export async function onKafka() {
  const folder = mkdtempSync(join(tmpdir(), 'beamline-kafka-'));
  const children = /** @type {import('node:child_process').ChildProcess[]} */ ([]);
  let said = '';
  /** @param {string} program @param {string[]} args @param {Record<string, string>} [more] */
  const start = (program, args, more = {}) => {
    const child = spawn(program, args, { cwd: ROOT, env: { ...process.env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (said = (said + text).slice(-20_000)));
    children.push(child);
    return child;
  };
  const remove = async () => {
    // Those that were started last go first.
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  /** @template T @param {number} limit @param {string} what @param {() => Promise<T | null> | T | null} look @returns {Promise<T>} */
  const until = async (limit, what, look) => {
    for (const begun = Date.now(); Date.now() - begun < limit; await new Promise((resolve) => setTimeout(resolve, 200))) {
      const found = await look();
      if (found !== null) return found;
    }
    throw new Error(`${what} after ${limit} ms: ${said}`);
  };
  try {
    start(beside('dev'), ['--data', folder, '--ports', 'free']);
    const exported = await until(SERVERS_MS, 'no servers', () => {
      const found = /BEAMLINE_KAFKA_BOOTSTRAP=(\S+)\s[^]*BEAMLINE_REGISTRY_URL=(\S+)\s/.exec(said);
      return found?.[1] && found[2] ? { BEAMLINE_KAFKA_BOOTSTRAP: found[1], BEAMLINE_REGISTRY_URL: found[2] } : null;
    });
    const [code] = await once(start(PROGRAM, ['topics', 'apply', STREAM], exported), 'exit');
    if (code !== 0) throw new Error(`topics were not made: ${said}`);
    const service = async (/** @type {string} */ name, /** @type {string[]} */ ...args) =>
      start(beside(name), ['--stream', STREAM, '--listen', `127.0.0.1:${await freePort()}`, '--instance', name, ...args], exported);
    for (const name of ['generator', 'enricher', 'anomaly-detector', 'aggregator']) await service(name);
    const url = `http://127.0.0.1:${await freePort()}/`;
    await service('dashboard', '--page', new URL(url).host);
    await until(PAGE_MS, 'no anomalies on the page', async () => {
      const answer = await fetch(`${url}api/v1/streams/particle-events/overview`).catch(() => null);
      return answer?.ok && (await answer.json()).alarms.total > 20 ? true : null;
    });
    return { url, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
