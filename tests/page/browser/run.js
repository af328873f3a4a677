// @ts-check
// Real runs of `beamline` with a page, and a proxy whose connections can be cut.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const PROGRAM = process.env.BEAMLINE ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug/beamline');
const START_MS = 60_000;
/** How much of what a run says is kept for a failure. */
const SAID_MAX = 20_000;

/**
 * @typedef {object} Run
 * @property {string} url of the page
 * @property {string} out the folder of the results
 * @property {import('node:child_process').ChildProcess} process
 * @property {() => string} said what it wrote to standard error
 * @property {() => Promise<void>} kill as a power failure would
 * @property {() => Promise<void>} remove kills, and deletes the results
 */

/**
 * Starts a run and waits for its page.
 * @param {{ stream?: string, args?: string[], out?: string, port?: number, input?: string }} [options] `input` goes to standard input, which stays open
 * @returns {Promise<Run>}
 */
export async function run({ stream = join(ROOT, 'streams/particle-events.yaml'), args = [], out = mkdtempSync(join(tmpdir(), 'beamline-page-')), port = 0, input } = {}) {
  const all = ['run', stream, '--out', out, '--page', `127.0.0.1:${port}`, ...args];
  const child = spawn(PROGRAM, all, { cwd: ROOT, stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'] });
  let text = '';
  /** @type {(url: string) => void} */
  let found = () => undefined;
  const url = new Promise((resolve) => (found = resolve));
  child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
    text = (text + chunk).slice(-SAID_MAX);
    const match = /page: (http:\/\/\S+)/.exec(text);
    if (match?.[1]) found(match[1]);
  });
  const said = () => text;
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${PROGRAM} ${all.join(' ')} ended with ${code}: ${text}`)));
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`no page after ${START_MS} ms: ${text}`)), START_MS).unref());
  ended.catch(() => undefined);
  late.catch(() => undefined);
  const address = /** @type {string} */ (await Promise.race([url, ended, late]));
  if (input !== undefined) child.stdin?.write(input);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const remove = async () => {
    await kill();
    rmSync(out, { recursive: true, force: true, maxRetries: 5 });
  };
  return { url: address, out, process: child, said, kill, remove };
}

/**
 * A proxy before a server. `cut` breaks every connection at once; `stall` lets connections be but passes nothing on.
 * @param {string} to
 */
export async function proxy(to) {
  const target = new URL(to);
  const pairs = new Set(/** @type {import('node:net').Socket[]} */ ([]));
  let port = Number(target.port);
  let refusing = false;
  let stalled = false;
  const server = createServer((client) => {
    if (refusing) return client.destroy();
    const upstream = connect(port, target.hostname);
    for (const [socket, other] of /** @type {const} */ ([[client, upstream], [upstream, client]])) {
      pairs.add(socket);
      socket.on('data', (data) => stalled || other.write(data));
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        other.destroy();
        pairs.delete(socket);
      });
    }
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${own.port}/`,
    cut: () => pairs.forEach((socket) => socket.destroy()),
    refuse: (/** @type {boolean} */ on) => (refusing = on),
    stall: (/** @type {boolean} */ on) => (stalled = on),
    /** Sends what comes from now on to another server. @param {string} url */
    turn: (url) => (port = Number(new URL(url).port)),
    open: () => pairs.size / 2,
    close: () => {
      pairs.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}
