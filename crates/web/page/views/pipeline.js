// @ts-check
// The stages and tables of a stream as a graph, with rates on the arrows; one node's figures and runbook on a click.
import { address, change } from '../lib/address.js';
import { of } from '../lib/api.js';
import { useAsked } from '../lib/asked.js';
import { command } from '../lib/command.js';
import { cell, count, rate } from '../lib/format.js';
import { arrange } from '../lib/graph.js';
import { classes, html, useMemo, useValue } from '../lib/ui.js';
import { Copy, Failed, Loading, Mark, WORDS } from '../parts/marks.js';

const EVERY_MS = 2000;
const LABEL_MAX = 17;

/** @param {{ stream: Api.Stream }} props */
export function Pipeline({ stream }) {
  const { query } = useValue(address);
  const { body, problem, again } = useAsked(of(stream.name, 'graph'), EVERY_MS);
  const graph = /** @type {Api.Graph | null} */ (body);
  const shape = graph ? JSON.stringify([graph.nodes.map(({ id }) => id), graph.edges.map(({ from, to }) => [from, to])]) : '';
  const drawn = useMemo(() => (graph ? arrange(graph) : null), [shape]);
  if (!graph || !drawn) return problem ? html`<${Failed} text=${problem} retry=${again} />` : html`<${Loading} what="the pipeline" />`;
  const chosen = graph.nodes.find(({ id }) => id === query.node);
  const worse = graph.nodes.filter(({ state }) => state === 'bad' || state === 'watch');
  return html`<h1 class="headline">${worse.length ? `${worse.map(({ label }) => label).join(', ')} ${worse.length === 1 ? 'needs' : 'need'} a look` : 'Everything flows'}</h1>
    ${problem && html`<${Failed} text=${problem} retry=${again} />`}
    <div class=${classes('desk graph', chosen && 'open')}>
      <section class="panel canvas" aria-label="Pipeline" tabindex="0">
        <svg viewBox=${`0 0 ${drawn.width} ${drawn.height}`} width=${drawn.width} height=${drawn.height} role="group" aria-label="Stages and tables, with the events a second on the arrows">
          <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0.5 7.5,4 0,7.5Z" /></marker></defs>
          ${graph.edges.map((edge, index) => html`<${Arrow} key=${`${edge.from} ${edge.to}`} edge=${edge} place=${drawn.edges[index]} />`)}
          ${graph.nodes.map((node) => html`<${Box} key=${node.id} node=${node} place=${drawn.places.get(node.id)} chosen=${node === chosen} />`)}
        </svg>
      </section>
      ${chosen && html`<${Figures} node=${chosen} />`}
    </div>
    ${!chosen && html`<p class="aside">A stage or a table opens its figures and its runbook.</p>`}
    <${Copy} text=${command.verify(stream)} />`;
}

/** @param {{ edge: Api.Edge, place: import('../lib/graph.js').Path | undefined }} props */
function Arrow({ edge, place }) {
  if (!place) return null;
  const still = !edge.rate;
  return html`<g class=${classes('edge', edge.state, still && 'still')}><path d=${place.d} marker-end="url(#arrow)" />
    <text x=${place.x} y=${place.y} text-anchor="end">${edge.rate === null ? '' : `${rate(edge.rate)} /s`}${edge.label ? ` ${edge.label}` : ''}</text></g>`;
}

/** @param {{ node: Api.Node, place: { x: number, y: number, width: number, height: number } | undefined, chosen: boolean }} props */
function Box({ node, place, chosen }) {
  if (!place) return null;
  const open = () => change({ node: chosen ? null : node.id });
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    open();
  };
  const label = node.label.length > LABEL_MAX ? `${node.label.slice(0, LABEL_MAX - 1)}…` : node.label;
  const flow = node.rate === null ? (node.state === 'off' ? 'off' : node.kind) : `${rate(node.rate)} /s`;
  return html`<g class=${classes('node', node.kind, node.state, chosen && 'chosen')} transform=${`translate(${place.x},${place.y})`} role="button" tabindex="0" aria-pressed=${chosen}
      aria-label=${`${label} ${flow}, ${label === node.label ? '' : `${node.label}, `}${node.kind}, ${WORDS[node.state] ?? node.state}`} onClick=${open} onKeyDown=${keys}>
    <rect width=${place.width} height=${place.height} rx=${node.kind === 'table' || node.kind === 'topic' ? 22 : 5} />
    <text class="name" x="14" y="25">${label}</text>${' '}
    <text class="flow" x="14" y="46">${flow}</text>
    <svg x=${place.width - 32} y="15" width="19" height="19" viewBox="0 0 24 24" overflow="visible"><${Mark} level=${node.state} label="" /></svg>
  </g>`;
}

/** @param {{ node: Api.Node }} props */
function Figures({ node }) {
  return html`<article class="panel story" aria-labelledby="node-title"><header><p class="trail">${node.kind}</p><button type="button" class="quiet" onClick=${() => change({ node: null })}>Close</button></header>
    <div class="head"><h2 id="node-title">${node.label}</h2><p class="facts"><span><${Mark} level=${node.state} label="" /> ${WORDS[node.state] ?? node.state}</span>${node.rate !== null && html`<span class="numbers"><b>${rate(node.rate)}</b> /s</span>`}${node.total !== null && html`<span class="numbers"><b>${count(node.total)}</b> in all</span>`}</p></div>
    <section><h3>Figures</h3><div class="table"><table><tbody>${node.metrics.map(({ name, value }) => html`<tr key=${name}><th scope="row">${name}</th><td class="numeric">${cell(value)}</td></tr>`)}</tbody></table></div></section>
    ${node.runbook && /^(https?:\/\/|docs\/)/.test(node.runbook) && html`<section><h3>Runbook</h3>${node.runbook.startsWith('docs/') ? html`<p>See <code>${node.runbook}</code> of the documentation.</p>` : html`<p><a href=${node.runbook} rel="noreferrer" target="_blank">${node.runbook}</a></p>`}</section>`}
  </article>`;
}
