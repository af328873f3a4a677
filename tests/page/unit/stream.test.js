// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './stub.js';
import { path, wait } from '../../../crates/web/page/lib/live.js';
import { ALARMS_MAX, BUCKETS_MAX, extend, merge, noted } from '../../../crates/web/page/lib/merge.js';
import { Parser } from '../../../crates/web/page/lib/sse.js';

const TEXT = ': keep-alive\n\nid: a.1\nevent: overview\ndata: {"x":1}\n\nid: a.1\nevent: tick\ndata: {"at_ms":5}\n\n';

test('messages are the same wherever chunks end', () => {
  const whole = new Parser().push(TEXT);
  assert.deepEqual(whole, [
    { id: 'a.1', event: 'overview', data: '{"x":1}' },
    { id: 'a.1', event: 'tick', data: '{"at_ms":5}' },
  ]);
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const parser = new Parser();
    assert.deepEqual([...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))], whole, `cut at ${cut}`);
  }
});

test('a message that does not end is not kept without limit', () => {
  const parser = new Parser();
  assert.throws(() => {
    for (let round = 0; round < 20; round += 1) parser.push('x'.repeat(1024 * 1024));
  }, /too long/);
});

test('waits double up to 15 s and are spread over their upper half', () => {
  assert.equal(wait(1, () => 0), 250);
  assert.equal(wait(1, () => 1), 500);
  assert.equal(wait(3, () => 1), 2000);
  assert.equal(wait(50, () => 1), 15000);
  assert.equal(wait(50, () => 0), 7500);
});

test('the cursor goes along when a stream is resumed', () => {
  assert.equal(path({ stream: 'a b', views: ['overview', 'series'], key: '7', columns: ['pt'] }, 'e.9'), '/live?stream=a+b&views=overview%2Cseries&key=7&columns=pt&cursor=e.9');
  assert.equal(path({ stream: 's', views: ['overview'] }, null), '/live?stream=s&views=overview');
});

/** @param {number} n @param {Partial<Api.Anomaly>} [more] @returns {Api.Anomaly} */
const anomaly = (n, more = {}) => ({
  id: `e-${n}`, key: '1', time: new Date(n * 1000).toISOString(), reasons: [], score: 1, words: null, committed: false, causes: [], values: {}, acknowledged: null, trace: null, seen_ms: null, position: n, ...more,
});

test('anomalies that come twice are there once, the newest first', () => {
  const first = merge([], [anomaly(1), anomaly(2)]);
  assert.deepEqual(first.map(({ id }) => id), ['e-2', 'e-1']);
  const again = merge(first, [anomaly(2, { committed: true }), anomaly(3)]);
  assert.deepEqual(again.map(({ id, committed }) => [id, committed]), [['e-3', false], ['e-2', true], ['e-1', false]]);
});

test('lists of anomalies end at their limit, and keep the newest', () => {
  const many = merge([], Array.from({ length: ALARMS_MAX + 10 }, (_, n) => anomaly(n)));
  assert.equal(many.length, ALARMS_MAX);
  assert.equal(many[0]?.id, `e-${ALARMS_MAX + 9}`);
});

/** @param {number} start @param {number[]} values @param {boolean} [full] @returns {Api.Series} */
const piece = (start, values, full = false) => ({
  full, key: null, step_s: 1, start_s: start, columns: { pt: { count: values, first: values, min: values, max: values, last: values } },
});

test('buckets replace those of their time and the oldest go', () => {
  const kept = extend(piece(100, [1, 2, 3], true), piece(102, [30, 40]));
  assert.deepEqual([kept.start_s, kept.columns.pt?.last], [100, [1, 2, 30, 40]]);
  const long = extend(piece(0, Array.from({ length: BUCKETS_MAX }, (_, n) => n), true), piece(BUCKETS_MAX, [7, 8]));
  assert.equal(long.start_s, 2);
  assert.equal(long.columns.pt?.count.length, BUCKETS_MAX);
  assert.equal(long.columns.pt?.last.at(-1), 8);
});

test('buckets of another key, or behind a gap, start over', () => {
  assert.equal(extend(piece(100, [1], true), { ...piece(101, [2]), key: '7' }).key, '7');
  assert.equal(extend(piece(100, [1], true), piece(105, [2])).start_s, 105);
});

test('the newest acknowledgement of an anomaly counts, and other notes do not', () => {
  const note = (/** @type {string} */ text, kind = 'acknowledgement') => ({ id: text, kind, author: 'Ada', at: '2025-01-01T00:00:00Z', text, anomalies: ['e-1'] });
  const rows = [anomaly(2), anomaly(1)];
  assert.equal(noted(rows, [note('x', 'note')]), rows);
  assert.deepEqual(noted(rows, [note('new'), note('old')]).map((each) => each.acknowledged?.text), [undefined, 'new']);
});
