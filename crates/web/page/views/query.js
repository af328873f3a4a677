// @ts-check
// SQL over what is stored: an example that runs, a table, a plot, files to take away.
import { address, change } from '../lib/address.js';
import { aborted, of, post, Problem, sentence } from '../lib/api.js';
import { command } from '../lib/command.js';
import { count, several } from '../lib/format.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/ui.js';
import { Answered } from '../parts/answered.js';
import { Copy, Empty, Failed, Mark } from '../parts/marks.js';

const LIMITS = [100, 1000, 10000];

/** Hands a file to the browser. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** A line for each clause. @param {string} sql */
const lines = (sql) => sql.replace(/ (?=(FROM|WHERE|GROUP BY|ORDER BY) )/g, '\n');

/** @param {{ stream: Api.Stream }} props */
export function Query({ stream }) {
  const { query } = useValue(address);
  const example = lines(stream.example);
  const [sql, setSql] = useState(query.sql ?? example);
  const [limit, setLimit] = useState(1000);
  const [answer, setAnswer] = useState(/** @type {Api.Answer | null} */ (null));
  const [problem, setProblem] = useState(/** @type {{ text: string, hint: string } | null} */ (null));
  const [since, setSince] = useState(0);
  const running = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => setSql(query.sql ?? example), [query.sql]);
  const path = of(stream.name, 'query');
  /** @param {(stop: AbortSignal) => Promise<void>} work */
  const run = async (work) => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setProblem(null);
    setSince(Date.now());
    try {
      await work(own.signal);
    } catch (error) {
      if (!aborted(error)) setProblem({ text: error instanceof Problem ? error.message : sentence(error), hint: error instanceof Problem ? error.suggestion : '' });
    }
    if (running.current === own) {
      running.current = null;
      setSince(0);
    }
  };
  const ask = () => {
    change({ sql: sql === example ? null : sql }, true);
    return run(async (signal) => setAnswer(await (await post(path, { sql, limit }, { signal })).json()));
  };
  const take = (/** @type {string} */ accept, /** @type {string} */ ending) =>
    run(async (signal) => save(await (await post(path, { sql, limit }, { accept, signal })).blob(), `${stream.name}.${ending}`));
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    ask();
  };
  return html`<h1 class="unseen">Query ${stream.name}</h1>
    <section class="panel ask" aria-label="SQL">
      <label for="sql">SQL over ${stream.tables.map((name, index) => html`${index ? ', ' : ''}<code key=${name}>${name}</code>`)}</label>
      <textarea id="sql" rows=${Math.min(14, Math.max(5, sql.split('\n').length + 1))} spellcheck="false" autocapitalize="off" value=${sql} onInput=${(/** @type {any} */ event) => setSql(event.target.value)} onKeyDown=${keys}></textarea>
      <p class="buttons">
        <button type="button" class="main" onClick=${ask} disabled=${since > 0}>Run <kbd>Ctrl Enter</kbd></button>
        <button type="button" onClick=${() => running.current?.abort()} disabled=${!since}>Cancel</button>
        <label>At most <select value=${limit} onChange=${(/** @type {any} */ event) => setLimit(Number(event.target.value))}>${LIMITS.map((each) => html`<option key=${each} value=${each}>${count(each)} rows</option>`)}</select></label>
        <button type="button" class="quiet" onClick=${() => take('text/csv', 'csv')} disabled=${since > 0}>CSV</button>
        <button type="button" class="quiet" onClick=${() => take('application/vnd.apache.parquet', 'parquet')} disabled=${since > 0}>Parquet</button>
        ${sql !== example && html`<button type="button" class="quiet" onClick=${() => setSql(example)}>Example</button>`}
        <span class="aside" role="status">${since ? 'Running …' : answer ? `${several(answer.rows.length, 'row')} in ${count(answer.elapsed_ms)} ms` : ''}</span>
      </p>
    </section>
    ${problem && html`<div><${Failed} text=${problem.text} />${problem.hint && html`<p class="aside"><${Mark} level="watch" label="hint" /> ${problem.hint}</p>`}</div>`}
    ${answer?.truncated && html`<p class="honest"><${Mark} level="watch" label="" /> Only the first ${count(answer.rows.length)} rows are here; there are more.</p>`}
    ${answer ? html`<${Answered} answer=${answer} />` : !problem && html`<section class="panel"><${Empty} title="Nothing asked yet">The example runs as it is. Queries only read; they see what is committed.<//></section>`}
    <${Copy} text=${command.query(stream, sql.replace(/\s*\n\s*/g, ' '))} />`;
}
