// @ts-check
// Requests to the server: the token, problems as errors, answers that have not changed.
import { signal } from './ui.js';

export const BASE = 'api/v1';
const TOKEN = 'beamline-token';
/** How many answers are kept to ask for again by their tag. */
const KEPT_MAX = 64;
/** A server whose files are just changing says `not-yet`: how often it is asked again, and after how long. */
const AGAIN_MAX = 3;
const AGAIN_MS = 700;

/** Whether the server wants a token that the page does not have. */
export const tokenNeeded = signal(false);

/** What the server says went wrong, in words for people. */
export class Problem extends Error {
  /** @param {number} status @param {{ code?: string, detail?: string, title?: string, suggestion?: string }} body @param {number} [retryMs] */
  constructor(status, body, retryMs = 0) {
    super(body.detail || body.title || `the server answered ${status}`);
    this.status = status;
    this.code = body.code || '';
    this.suggestion = body.suggestion || '';
    this.retryMs = retryMs;
  }
}

/** Keeps the token for this tab. @param {string} token */
export function signIn(token) {
  sessionStorage.setItem(TOKEN, token);
}

/**
 * Asks the server; an answer that is not a success becomes a `Problem`.
 * @param {string} path below `/api/v1` @param {Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }} [init] @param {number} [tries]
 * @returns {Promise<Response>}
 */
export async function request(path, init = {}, tries = 0) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...(init.headers || {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(`${BASE}${path}`, { ...init, headers, cache: 'no-store' });
  if (answer.ok || answer.status === 304) return answer;
  const retry = Number(answer.headers.get('Retry-After') || 0) * 1000;
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})), retry);
  if (problem.code === 'token-needed') tokenNeeded.value = true;
  if (problem.code !== 'not-yet' || tries >= AGAIN_MAX) throw problem;
  await new Promise((resolve) => setTimeout(resolve, Math.max(AGAIN_MS, retry)));
  return request(path, init, tries + 1);
}

/** @type {Map<string, { tag: string, body: any }>} */
const kept = new Map();

/**
 * The JSON of a GET; one that has not changed is not sent again.
 * @param {string} path @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  const before = kept.get(path);
  /** @type {Record<string, string>} */
  const headers = before ? { 'If-None-Match': before.tag } : {};
  const answer = await request(path, { signal: signal ?? null, headers });
  if (answer.status === 304 && before) return before.body;
  const body = await answer.json();
  const tag = answer.headers.get('ETag');
  kept.delete(path);
  if (tag) kept.set(path, { tag, body });
  for (const oldest of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(oldest);
  return body;
}

/** Posts JSON. @param {string} path @param {unknown} body @param {{ accept?: string, signal?: AbortSignal }} [options] */
export function post(path, body, options = {}) {
  const headers = { 'Content-Type': 'application/json', Accept: options.accept || 'application/json' };
  return request(path, { method: 'POST', headers, body: JSON.stringify(body), signal: options.signal ?? null });
}

/** The path of something of a stream. @param {string} stream @param {string} rest @param {Record<string, string | null | undefined>} [query] */
export function of(stream, rest, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== '') search.set(name, value);
  const tail = search.toString();
  return `/streams/${encodeURIComponent(stream)}/${rest}${tail ? `?${tail}` : ''}`;
}

/** What went wrong as a sentence that also says what to do. @param {unknown} error */
export function sentence(error) {
  if (error instanceof Problem) return `${error.message}${error.suggestion ? ` (${error.suggestion})` : ''}`;
  if (error instanceof TypeError) return 'the server cannot be reached; the page goes on trying';
  return error instanceof Error ? error.message : String(error);
}

/** Whether a request was given up on purpose. @param {unknown} error */
export const aborted = (error) => error instanceof DOMException && error.name === 'AbortError';
