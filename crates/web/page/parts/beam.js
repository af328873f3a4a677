// @ts-check
// The stages of a stream along a line, each with its health and its rate.
import { rate, thin } from '../lib/format.js';
import { link as to } from '../lib/address.js';
import { html } from '../lib/ui.js';
import { Mark } from './marks.js';

/** @param {{ stages: Api.Stage[] }} props */
export function Beam({ stages }) {
  return html`<section class="panel beam" aria-labelledby="beam-title">
    <header><h2 id="beam-title">Stages</h2><p class="more"><a href=${to('pipeline')}>Pipeline</a></p></header>
    <ol>${stages.map(
      ({ name, state, rate: now, detail }) => html`<li key=${name} class=${state}>
        <span class="node"><${Mark} level=${state} /></span>
        <b>${name}</b>
        <span class="numbers flow">${now === null ? 'off' : html`${rate(now)}<small> /s</small>`}</span>
        <span class="detail">${thin(detail)}</span>
      </li>`,
    )}</ol>
  </section>`;
}
