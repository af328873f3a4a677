// @ts-check
// What each layer of the detector found, beside the false-alarm rate that was asked of it, and its latest alarm.
import { count, moment, millis, percent, zoneName } from '../lib/format.js';
import { link as to, local } from '../lib/address.js';
import { serverNow, stream } from '../lib/store.js';
import { inWords } from '../lib/words.js';
import { classes, html, useRef, useState, useValue } from '../lib/ui.js';
import { Mark, Reasons } from './marks.js';

/** The bar ends at so many times what was asked; beyond, it says so. */
const TIMES_MAX = 3;

/** Seen alarms beside asked ones. @param {{ layer: Api.LayerCount }} props */
export function Budget({ layer }) {
  if (layer.asked === null)
    return html`<span class="budget rule"><span class="numbers">${percent(layer.share)}</span> <small>of all events; a rule has no budget</small></span>`;
  const times = layer.share / layer.asked;
  const width = `${Math.min(100, (100 * times) / TIMES_MAX).toFixed(1)}%`;
  return html`<span class=${classes('budget', layer.over && 'over')}>
    <span class="numbers">${percent(layer.share)}</span> <small>of ${percent(layer.asked)} asked${times >= 1.05 ? ` – ${times.toFixed(1)} times that` : ''}</small>
    <span class="bar" aria-hidden="true"><span class="seen" style=${{ width }}></span><span class="asked"></span></span>
  </span>`;
}

/** @param {{ layers: Api.LayerCount[], alarms: Api.Anomaly[] }} props */
export function Detectors({ layers, alarms }) {
  const [held, setHeld] = useState(false);
  const latest = useRef(/** @type {Record<string, Api.Anomaly>} */ ({}));
  if (!held)
    for (const { name } of layers) {
      const found = alarms.find((each) => each.reasons.includes(name));
      if (found) latest.current[name] = found;
    }
  const newest = Object.values(latest.current).sort((a, b) => (a.time < b.time ? 1 : -1))[0];
  const hold = { onPointerEnter: () => setHeld(true), onPointerLeave: () => setHeld(false), onFocusIn: () => setHeld(true), onFocusOut: () => setHeld(false) };
  return html`<section class="panel detectors" aria-labelledby="detectors-title" ...${hold}>
    <header><h2 id="detectors-title">Detectors</h2><p class="more"><a href=${to('anomalies')}>All anomalies</a></p></header>
    ${newest && html`<${Newest} alarm=${newest} />`}
    <ul>
      ${layers.map((layer) => html`<li key=${layer.name}>
        <span class="name">${layer.asked === null ? html`<i class="plain" aria-hidden="true"></i>` : html`<${Mark} level=${layer.over ? 'watch' : 'ok'} label=${layer.over ? 'over its budget' : 'within its budget'} />`}<b>${layer.name}</b><small>${layer.kind}</small></span>
        <a class="total numbers" href=${to('anomalies', { reason: layer.name })} title=${`All anomalies of ${layer.name}`}>${count(layer.alarms)}<small> alarms</small></a>
        <${Budget} layer=${layer} />
        <${Latest} alarm=${latest.current[layer.name]} layer=${layer.name} />
      </li>`)}
    </ul>
  </section>`;
}

/** The one that a newcomer looks for; it stands still under the pointer. @param {{ alarm: Api.Anomaly }} props */
function Newest({ alarm }) {
  return html`<a class="newest" href=${to('anomalies', { id: alarm.id })}>
    <b>Latest alarm</b><${Reasons} reasons=${alarm.reasons} /><span class="words">${inWords(alarm, stream.peek())}</span><${When} alarm=${alarm} />
  </a>`;
}

/** @param {{ alarm: Api.Anomaly | undefined, layer: string }} props */
function Latest({ alarm, layer }) {
  if (!alarm) return html`<span class="latest none">no alarm yet</span>`;
  return html`<a class="latest" href=${to('anomalies', { id: alarm.id })}><span class="words">${inWords(alarm, stream.peek(), [layer])}</span><${When} alarm=${alarm} /></a>`;
}

/** @param {{ alarm: Api.Anomaly }} props */
function When({ alarm }) {
  const clock = useValue(serverNow);
  const zone = useValue(local);
  return html`<small class="numbers">key ${alarm.key} · ${moment(millis(alarm.time), zone, clock)} ${zoneName(zone)}${alarm.committed ? '' : ' · not yet committed'}</small>`;
}
