// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './stub.js';
import { command, identifier, shell } from '../../../crates/web/page/lib/command.js';
import { arrange, columns } from '../../../crates/web/page/lib/graph.js';
import { inWords } from '../../../crates/web/page/lib/words.js';
import { traceUrl } from '../../../crates/web/page/lib/trace.js';
import { text, parse } from '../../../crates/web/page/lib/address.js';

const { matches } = await import('../../../crates/web/page/parts/filters.js');
const { occupied, steps } = await import('../../../crates/web/page/parts/histogram.js');
const { places } = await import('../../../crates/web/page/parts/range.js');
const { ceiling, outline } = await import('../../../crates/web/page/parts/rate.js');

test('the address gives back what was put in', () => {
  const query = { key: 'a&b=c#d', text: 'ä <b>', theme: 'dark' };
  assert.deepEqual(parse(text('anomalies', query)), { view: 'anomalies', query });
  assert.deepEqual(parse(''), { view: 'overview', query: {} });
  assert.equal(text('query', { sql: null }), '#/query');
});

/** @type {any} */
const stream = { name: 's', results: "it's here", key: 'detector_id', time: 'timestamp', columns: [{ name: 'detector_id', kind: 'integer' }] };

test('commands are quoted for SQL and for the shell', () => {
  assert.equal(shell("it's"), `"it's"`);
  assert.equal(shell("it's $HOME"), `'it'\\''s $HOME'`);
  assert.equal(shell('beamline-results/x'), 'beamline-results/x');
  assert.equal(identifier('Key "x"'), '"Key ""x"""');
  assert.equal(command.isKey(stream, '7'), 'detector_id = 7');
  assert.equal(command.isKey(stream, "7' OR 1=1"), "detector_id = '7'' OR 1=1'");
  assert.match(command.anomalies(stream, { reason: 'ewma' }), /^beamline query --results "it's here" "SELECT \* FROM anomalies WHERE anomaly_reasons LIKE '%ewma%' ORDER BY timestamp DESC/);
});

test('a server that knows how its results are asked is taken at its word', () => {
  assert.equal(command.deadLetters({ ...stream, results: '--kafka here:9092 --stream s.yaml' }), 'beamline dlq list --kafka here:9092 --stream s.yaml');
  assert.equal(command.verify({ ...stream, results: '--results /tmp/x' }), 'beamline verify /tmp/x');
});

test('an alarm without words of its own says what its rule says and what was measured', () => {
  const layers = [{ name: 'high_energy', kind: 'rule', what: 'energy_gev > 900' }, { name: 'ewma', kind: 'learned', what: 'z' }];
  const alarm = /** @type {any} */ ({ key: 'd-1', reasons: ['high_energy', 'ewma'], values: { energy_gev: 972.19 }, score: 12.34, words: null });
  assert.equal(inWords(alarm, { ...stream, layers }), 'energy_gev is 972.19; the rule high_energy is energy_gev > 900; unlike what d-1 did before, says ewma: 12.3 bits');
  assert.equal(inWords(alarm, { ...stream, layers }, ['ewma']), 'unlike what d-1 did before, says ewma: 12.3 bits');
  assert.equal(inWords({ ...alarm, words: 'as the row says' }, null), 'as the row says');
});

/** @type {any} */
const anomaly = { id: 'e-1', key: '7', time: '2025-01-01T10:00:00.000001Z', reasons: ['ewma'], words: 'pt is 4', acknowledged: null };

test('each filter takes away what it does not name', () => {
  for (const [passes, filters] of /** @type {[boolean, Record<string, string>][]} */ ([
    [true, {}], [true, { reason: 'ewma' }], [false, { reason: 'chains' }], [true, { key: '7' }], [false, { key: '70' }],
    [true, { from: '2025-01-01T10:00:00.000000Z' }], [false, { from: '2025-01-01T10:00:01.000000Z' }], [false, { to: '2025-01-01T09:00:00.000000Z' }],
    [true, { acknowledged: 'no' }], [false, { acknowledged: 'yes' }], [true, { text: 'PT IS' }], [false, { text: 'eta' }],
  ])) assert.equal(matches(anomaly, filters), passes, JSON.stringify(filters));
});

test('a gap in the rate is a gap in the line', () => {
  const { line, area } = outline([1, 1, null, 2], 2);
  assert.equal(line.match(/M/g)?.length, 2);
  assert.equal(area.match(/Z/g)?.length, 2);
  assert.deepEqual([ceiling(0), ceiling(998), ceiling(1041), ceiling(7)], [1, 1000, 1250, 8]);
});

test('a histogram is drawn over the bins that have something', () => {
  const bins = { low: 0, width: 2, counts: [0, 5, 5, 0] };
  const range = occupied(/** @type {any} */ (bins));
  assert.deepEqual(range, { low: 2, high: 6 });
  assert.equal(steps(bins, range, 0.25, 10), 'M0.0,0.0H192.0L192.0,0.0H384.0');
});

test('a value outside stands outside of its band', () => {
  const at = places(8.3, 3.1, 6.4);
  assert.ok(at.low < at.high && at.high < at.value && at.value < 1);
  assert.ok(places(1, 3, 6).value < places(1, 3, 6).low);
  assert.ok(Number.isFinite(places(3, 3, 3).value));
});

/** @param {string[]} ids @param {[string, string][]} edges @returns {any} */
const graph = (ids, edges) => ({ nodes: ids.map((id) => ({ id, kind: 'stage' })), edges: edges.map(([from, to]) => ({ from, to })) });

test('nodes stand behind all that lead to them, and a cycle ends', () => {
  const place = columns(graph(['a', 'b', 'c'], [['a', 'b'], ['b', 'c'], ['a', 'c']]));
  assert.deepEqual([...place.values()], [0, 1, 2]);
  assert.equal(columns(graph(['a', 'b'], [['a', 'b'], ['b', 'a']])).size, 2);
  const drawn = arrange(graph(['a', 'b'], [['a', 'b'], ['a', 'gone']]));
  assert.equal(drawn.edges[1], undefined);
  assert.ok(drawn.edges[0]?.d.startsWith('M'));
});

test('a trace is linked to where it is known and Jaeger is a page', () => {
  assert.equal(traceUrl('https://lab.org/jaeger', '0a"b'), 'https://lab.org/jaeger/trace/0a%22b');
  for (const [jaeger, trace] of /** @type {[string | null, string | null][]} */ ([[null, '0a'], ['https://lab.org', null], ['javascript:alert(1)//', '0a']])) {
    assert.equal(traceUrl(jaeger, trace), null);
  }
});
