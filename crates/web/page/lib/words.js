// @ts-check
// An alarm in words: those that its row carries, or what its rule says beside what was measured.
import { bits, number } from './format.js';

/** Words of a rule's SQL that may name a column. */
const NAME = /[a-z_][a-z0-9_]*/gi;

/**
 * @param {Api.Anomaly} anomaly @param {Api.Stream | null} stream @param {string[]} [reasons] the layers to speak of
 * @returns {string}
 */
export function inWords(anomaly, stream, reasons = anomaly.reasons) {
  if (anomaly.words) return anomaly.words;
  const layers = stream?.layers ?? [];
  const said = reasons.map((name) => {
    const layer = layers.find((each) => each.name === name);
    if (layer?.kind !== 'rule') return '';
    const measured = [...new Set(layer.what.match(NAME) ?? [])].filter((column) => typeof anomaly.values[column] === 'number');
    return measured.length ? `${measured.map((column) => `${column} is ${number(Number(anomaly.values[column]))}`).join(', ')}; the rule ${name} is ${layer.what}` : `the rule ${name}: ${layer.what}`;
  });
  const learned = reasons.filter((name) => layers.find((each) => each.name === name)?.kind !== 'rule');
  if (learned.length) said.push(`unlike what ${anomaly.key} did before, says ${learned.join(' and ')}${bits(anomaly.score) ? `: ${bits(anomaly.score)}` : ''}`);
  return said.filter(Boolean).join('; ') || `key ${anomaly.key} alarmed`;
}
