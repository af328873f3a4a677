// @ts-check
// The other streams of this server, a line each: asked for now and then, because the live stream is of one.
import { get, of, sentence } from '../lib/api.js';
import { link as to } from '../lib/address.js';
import { count, duration, rate, thin } from '../lib/format.js';
import { html, useEffect, useState } from '../lib/ui.js';
import { Mark } from './marks.js';

const EVERY_MS = 5000;
/** Streams that are asked for; the rest are only named. */
const STREAMS_MAX = 20;

/** @param {{ streams: Api.Stream[] }} props */
export function Others({ streams }) {
  const [seen, setSeen] = useState(/** @type {Record<string, any>} */ ({}));
  const names = streams.slice(0, STREAMS_MAX).map(({ name }) => name);
  useEffect(() => {
    const stop = new AbortController();
    const ask = () => {
      if (document.hidden) return;
      for (const name of names)
        get(of(name, 'overview'), stop.signal)
          .then((found) => setSeen((before) => ({ ...before, [name]: found })))
          .catch((error) => !stop.signal.aborted && setSeen((before) => ({ ...before, [name]: { level: 'bad', sentence: sentence(error) } })));
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [names.join(' ')]);
  return html`<section class="panel others" aria-label="Other streams"><ul>
    ${streams.map(({ name }) => {
      const found = /** @type {Api.Overview | undefined} */ (seen[name]);
      return html`<li key=${name}><a href=${to('overview', { stream: name })}>
        <${Mark} level=${found?.level ?? 'off'} /><b>${name}</b>
        <span>${found ? thin(found.sentence) : 'asking …'}</span>
        ${found?.rate && html`<span class="numbers">${rate(found.rate.now)} /s · ${found.lag.seconds === null ? '–' : duration(found.lag.seconds * 1000)} behind · ${count(found.alarms.open)} open</span>`}
      </a></li>`;
    })}
  </ul></section>`;
}
