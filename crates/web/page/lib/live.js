// @ts-check
// The live stream of this tab: read through fetch, resumed by its cursor, closed while the tab is hidden.
import { Problem, request, sentence } from './api.js';
import { Parser } from './sse.js';

/** Waits between attempts double from the first to the last; each is drawn at random from its upper half. */
const WAIT_FIRST_MS = 500;
const WAIT_LAST_MS = 15000;
/** A connection on which nothing came for so long is given up: the other side may be gone without a word. */
const SILENT_MAX_MS = 20000;
/** Frames of one batch that are kept until its tick; more end the connection. */
const BATCH_MAX = 1000;

/** @typedef {{ stream: string, views: string[], key?: string | null, columns?: string[] }} Wanted */
/** @typedef {{ event: string, data: any }} Frame */
/**
 * @typedef {object} Listener
 * @property {(frames: Frame[]) => void} batch a whole batch, in order: applied at once, or not at all
 * @property {() => void} connecting
 * @property {(reason: string, waitMs: number, attempt: number, problem: Problem | null) => void} broken
 * @property {(reason: string) => void} ending the server says that it ends
 */

/**
 * How long to wait before an attempt.
 * @param {number} attempt 1 for the first after a break @param {() => number} [random] in [0, 1)
 */
export function wait(attempt, random = Math.random) {
  const most = Math.min(WAIT_LAST_MS, WAIT_FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(most * (0.5 + 0.5 * random()));
}

/** @param {Wanted} wanted @param {string | null} cursor */
export function path(wanted, cursor) {
  const search = new URLSearchParams({ stream: wanted.stream, views: wanted.views.join(',') });
  if (wanted.key) search.set('key', wanted.key);
  if (wanted.columns?.length) search.set('columns', wanted.columns.join(','));
  if (cursor) search.set('cursor', cursor);
  return `/live?${search}`;
}

/**
 * Follows the server until `close` is called.
 * @param {Wanted} wanted @param {Listener} listener
 */
export function follow(wanted, listener) {
  /** @type {string | null} */
  let cursor = null;
  let attempt = 0;
  let closed = false;
  /** @type {AbortController | null} */
  let connection = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function connect() {
    clearTimeout(timer);
    connection?.abort();
    if (closed || document.hidden) return;
    const own = new AbortController();
    connection = own;
    listener.connecting();
    try {
      const answer = await request(path(wanted, cursor), { signal: own.signal, headers: { Accept: 'text/event-stream' } });
      await read(answer, own);
      if (connection === own) again('the server ended the connection', null, 0);
    } catch (error) {
      if (connection !== own || closed) return;
      own.abort();
      again(sentence(error), error instanceof Problem ? error : null, error instanceof Problem ? error.retryMs : 0);
    }
  }

  /** @param {string} reason @param {Problem | null} problem @param {number} leastMs */
  function again(reason, problem, leastMs) {
    connection = null;
    attempt += 1;
    const ms = Math.max(leastMs, retryMs, wait(attempt));
    retryMs = 0;
    listener.broken(reason, ms, attempt, problem);
    // Without a token there is nothing to try again with: the page asks for one and follows anew.
    if (problem?.status !== 401) timer = setTimeout(connect, ms);
  }

  let retryMs = 0;

  /** @param {Response} answer @param {AbortController} own */
  async function read(answer, own) {
    if (!answer.body) throw new Error('this browser cannot read a stream');
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new Parser();
    /** @type {Frame[]} */
    let pending = [];
    for (;;) {
      const silence = setTimeout(() => own.abort(new Error('nothing came for 20 s')), SILENT_MAX_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done || closed || connection !== own) return;
      for (const { id, event, data } of parser.push(value)) {
        const body = JSON.parse(data);
        if (event === 'bye') {
          retryMs = body.retry_ms || 0;
          listener.ending(body.reason || '');
          continue;
        }
        pending.push({ event, data: body });
        if (pending.length > BATCH_MAX) throw new Error('a batch of the stream does not end');
        if (event !== 'tick') continue;
        // Only here is the batch whole: what a break cuts off before is sent once more.
        listener.batch(pending);
        pending = [];
        if (id) cursor = id;
        attempt = 0;
      }
    }
  }

  function visibility() {
    if (document.hidden) {
      connection?.abort();
      connection = null;
      clearTimeout(timer);
    } else if (!connection) {
      connect();
    }
  }
  const online = () => {
    if (!connection) connect();
  };
  document.addEventListener('visibilitychange', visibility);
  addEventListener('online', online);
  connect();

  return {
    close() {
      closed = true;
      clearTimeout(timer);
      connection?.abort();
      document.removeEventListener('visibilitychange', visibility);
      removeEventListener('online', online);
    },
    /** Tries at once instead of waiting. */
    now: connect,
  };
}
