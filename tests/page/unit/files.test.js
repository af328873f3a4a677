// @ts-check
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../../../crates/web/page/', import.meta.url));
const files = readdirSync(PAGE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(PAGE, join(entry.parentPath, entry.name)));
const own = files.filter((name) => name.endsWith('.js') && !name.startsWith('vendor'));
const read = (/** @type {string} */ name) => readFileSync(join(PAGE, name), 'utf8');

test('libraries are those of the table, byte for byte', () => {
  const table = [...read('vendor/README.md').matchAll(/`([\w/.-]+)` \| `[^`]+` \| [^|]+ \| `([0-9a-f]{64})`/g)].map(([, name, hash]) => [`vendor/${name}`, hash]);
  const there = files.filter((name) => /^vendor\/.*\.(js|css)$/.test(name));
  assert.deepEqual(table.map(([name]) => name).sort(), there.sort());
  for (const [name, hash] of table) assert.equal(createHash('sha256').update(readFileSync(join(PAGE, name ?? ''))).digest('hex'), hash, name);
  for (const folder of new Set(there.map((name) => name.split('/')[1]))) assert.ok(files.includes(`vendor/${folder}/LICENSE`), folder);
});

test('every module is checked, says what it is for, and is short', () => {
  assert.ok(own.length > 30);
  for (const name of own) {
    const lines = read(name).split('\n');
    assert.equal(lines[0], '// @ts-check', name);
    assert.match(lines[1] ?? '', /^\/\/ /, name);
    assert.ok(lines.length <= 300, `${name}: ${lines.length} lines`);
  }
});

test('nothing of the page makes HTML or code of text', () => {
  for (const name of own) assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySet|eval\(|new Function|setAttribute\('style|DOMParser|srcdoc/, name);
  assert.doesNotMatch(read('index.html'), / style=| on[a-z]+=|<script(?![^>]*src=)|<style/);
});
