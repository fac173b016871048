import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeName, until } from '../format';
import { said, Said } from './said';

/** The sentence as text with its links in brackets. */
const drawn = (text: string, self?: string): string => {
  const walk = (x: unknown): string => Array.isArray(x) ? x.map(walk).join('') : typeof x === 'string' ? x
    : x && typeof x === 'object' && 'props' in x ? ((v: { type: unknown; props: { href?: string; children?: unknown } }) =>
      v.type === 'a' ? `[${walk(v.props.children)}](${v.props.href})` : walk(v.props.children))(x as never) : '';
  return walk(Said({ text, self }));
};

test('what a sentence names is a link', () => {
  assert.equal(drawn('waits for incident 12, then job 7 (order 9)'),
    'waits for [incident 12](#/incidents/12), then [job 7](#/jobs/7) ([order 9](#/orders/9))');
});

test('a share of a job\'s speed is no job', () => {
  assert.equal(drawn('costs its job 30.0 % of its speed'), 'costs its job 30.0 % of its speed');
  assert.equal(drawn('costs its job 30 % of it'), 'costs its job 30 % of it');
});

test('the page itself is no link', () => {
  assert.equal(drawn('incident 12 grows', '#/incidents/12'), 'incident 12 grows');
});

test('times read as everywhere, and hints for a shell are gone', () => {
  assert.equal(said('done at 2024-01-06T19:36:30.574Z'), 'done at 2024-01-06 19:36');
  assert.equal(said('a person decides: mw approve 34, or mw reject 34'), 'a person decides (advice 34)');
  assert.equal(said('parts are owed: mw parts (order 3)'), 'parts are owed (order 3)');
});

test('a place does not repeat its halls, and what is late is due', () => {
  assert.equal(placeName('h1/h1-r2/h1-r2-k3'), 'h1-r2-k3');
  assert.equal(placeName('hall/row 1/rack 2'), 'hall / row 1 / rack 2');
  assert.equal(placeName(null), '');
  assert.equal(until('2024-01-01T00:00:00Z', Date.parse('2024-01-01T00:00:01Z')), 'due');
  assert.ok(until('2024-01-01T02:00:00Z', Date.parse('2024-01-01T00:00:00Z')).startsWith('in 2'));
});
