// @ts-check
// The API as others use it: `node api.js PYTHON` holds a run against its own description with Schemathesis, which must find
// no error of the server and no answer that is not described, and runs the notebook cell of docs/api.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, run } from './browser/run.js';

const [python = 'python3'] = process.argv.slice(2);
const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
/** A live stream does not end by itself; tests of its own follow it. */
const LEFT_OUT = '/api/v1/live';
/** Requests a second, below what the page answers at most. */
const RATE = '150/s';

/** @param {string} program @param {string[]} args */
async function must(program, args) {
  const environment = { ...process.env, NO_PROXY: '127.0.0.1' };
  const [code] = await once(spawn(program, args, { stdio: 'inherit', env: environment, cwd: fileURLToPath(new URL('.', import.meta.url)) }), 'exit');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}

const started = await run({ args: ['--page-redrive'] });
try {
  const examples = process.env.BEAMLINE_EXAMPLES ?? '10';
  const document = new URL('/api/v1/openapi.json', started.url).href;
  await must(join(dirname(python), 'st'), [
    '--config-file', 'schemathesis.toml', 'run', document, '--exclude-path', LEFT_OUT, '--phases', 'examples,fuzzing',
    '--max-examples', examples, '--rate-limit', RATE, '--checks', CHECKS,
  ]);
  const cell = /```python\n([^]*?)```/.exec(readFileSync(join(ROOT, 'docs/api.md'), 'utf8'))?.[1] ?? '';
  if (!cell.includes('go.Figure')) throw new Error('docs/api.md has no cell that draws');
  const drawn = cell.replace('http://127.0.0.1:8085/', started.url).replace(/^go\.Figure/m, 'figure = go.Figure');
  await must(python, ['-c', `${drawn}\nassert len(figure.data) == 2 and any(figure.data[0].y), figure`]);
  console.log('the notebook cell of docs/api.md draws the series of the run');
} finally {
  await started.remove();
}
