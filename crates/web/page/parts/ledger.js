// @ts-check
// The account of every record: what came in is what came out, was filtered, became a dead letter, or was late.
import { count, several } from '../lib/format.js';
import { html } from '../lib/ui.js';
import { Ago, Mark } from './marks.js';

/** @param {{ ledger: Api.Ledger }} props */
export function Ledger({ ledger }) {
  const terms = /** @type {[string, string, number][]} */ ([
    ['out', 'out', ledger.out],
    ['filtered', 'filtered', ledger.filtered],
    ['dead', 'dead letters', ledger.dead_lettered],
    ['late', 'late', ledger.late],
    // Where steps run apart, one has committed what the next has not read yet.
    ...(ledger.between > 0 ? [['between', 'between steps', ledger.between]] : []),
  ]);
  const whole = Math.max(1, ledger.records);
  const verdict = ledger.balances ? 'balances' : `${several(Math.abs(ledger.balance), 'record')} ${ledger.balance > 0 ? 'missing' : 'too many'}`;
  return html`<section class="panel ledger" aria-labelledby="ledger-title">
    <header><h2 id="ledger-title">Ledger</h2>
      <p class=${`verdict ${ledger.balances ? 'ok' : 'bad'}`}><${Mark} level=${ledger.balances ? 'ok' : 'bad'} label="" /> ${verdict}</p></header>
    <dl class="equation numbers">
      <div class="in"><dt>in</dt><dd>${count(ledger.records)}</dd></div>
      ${terms.map(([kind, name, value], index) => html`<div key=${kind} class=${kind}><dt><i aria-hidden="true">${index ? '+' : '='}</i> ${name}</dt><dd>${count(value)}</dd></div>`)}
    </dl>
    <div class="strip" aria-hidden="true">
      ${terms.map(([kind, , value]) => value > 0 && html`<span key=${kind} class=${kind} style=${{ flexGrow: value / whole }}></span>`)}
    </div>
    <p class="aside">${ledger.committed_ms ? html`As committed <${Ago} ms=${ledger.committed_ms} />.` : 'Nothing is committed yet.'}
      ${ledger.unscored > 0 ? ` ${several(ledger.unscored, 'event')} not scored: more keys than a partition keeps.` : ''}</p>
  </section>`;
}
