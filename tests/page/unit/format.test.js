// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, cell, clock, count, duration, exact, labelled, millis, moment, number, percent, rate, several, span, thin, unitOf } from '../../../crates/web/page/lib/format.js';

test('whole numbers have thin separators', () => {
  assert.equal(count(0), '0');
  assert.equal(count(999), '999');
  assert.equal(count(1000), '1\u202f000');
  assert.equal(count(1234567), '1\u202f234\u202f567');
  assert.equal(count(null), '–');
  assert.equal(thin('1,234,567 events, 3,4 and 12,345'), '1\u202f234\u202f567 events, 3,4 and 12\u202f345');
});

test('numbers keep their significant digits', () => {
  assert.equal(number(0), '0');
  assert.equal(number(499.12345), '499.12');
  assert.equal(number(-4.1), '−4.1');
  assert.equal(number(-1234.56), '−1\u202f234.6');
  assert.equal(number(0.00001234), '1.234e−5');
  assert.equal(number(1.5e12), '1.500e12');
  assert.equal(number(NaN), '–');
});

test('rates, shares and durations carry their unit', () => {
  assert.equal(rate(998.4), '998');
  assert.equal(rate(1.25), '1.3');
  assert.equal(rate(0.1), '0.10');
  assert.equal(rate(1250000), '1.25\u202fM');
  assert.equal(percent(0.001), '0.1\u202f%');
  assert.equal(percent(0.1118), '11.2\u202f%');
  assert.equal(percent(0), '0\u202f%');
  assert.deepEqual(span(0.5), ['0.50', 'ms']);
  assert.deepEqual(span(6.12), ['6.1', 'ms']);
  assert.equal(duration(900), '900\u202fms');
  assert.equal(duration(84000), '84\u202fs');
  assert.equal(duration(7500000), '2.1\u202fh');
  assert.equal(ago(300), 'just now');
  assert.equal(ago(3500), '3\u202fs ago');
  assert.equal(several(1, 'anomaly', 'anomalies'), '1 anomaly');
  assert.equal(several(1200, 'anomaly', 'anomalies'), '1\u202f200 anomalies');
});

test('times are UTC, to the millisecond, whatever the zone of the machine', () => {
  const ms = millis('2025-01-01T23:59:59.123456Z');
  assert.equal(ms, Date.UTC(2025, 0, 1, 23, 59, 59, 123));
  assert.equal(clock(ms, false), '23:59:59');
  assert.equal(exact(ms, false), '2025-01-01 23:59:59.123');
  assert.equal(moment(ms, false, ms + 500), '23:59:59');
  assert.equal(moment(ms, false, ms + 2000), '2025-01-01 23:59:59');
  assert.equal(clock(ms, true), new Date(ms).toTimeString().slice(0, 8));
});

test('a cell is text, whatever it is', () => {
  assert.equal(cell(null), '–');
  assert.equal(cell('<b>'), '<b>');
  assert.equal(cell(12, 'integer'), '12');
  assert.equal(cell({ a: [1] }), '{"a":[1]}');
  assert.equal(cell('9007199254740993', 'integer'), '9007199254740993');
});

test('a unit stands behind the name of its column, where it is known', () => {
  const stream = /** @type {any} */ ({ columns: [{ name: 'pt', unit: 'GeV' }, { name: 'eta', unit: null }] });
  assert.deepEqual(['pt', 'eta', 'gone'].map((name) => labelled(name, unitOf(stream, name))), ['pt [GeV]', 'eta', 'gone']);
});
