import assert from 'node:assert/strict';
import { test } from 'node:test';
import { href, parsePlace } from './route';

test('a place survives its address', () => {
  const query = { filter: 'health=down and hall="h 1"', sort: '-lost_uusd',
    at: '2026-01-01T00:00:00Z' };
  const p = parsePlace(href('nodes', ['rack/7 ü'], query));
  assert.deepEqual(p, { page: 'nodes', args: ['rack/7 ü'], query });
});

test('what is empty does not stand in the address', () => {
  assert.equal(href('fleet', [], { at: null, metric: '', view: undefined, table: false }),
    '#/fleet');
  assert.equal(href('fleet', [], { table: true }), '#/fleet?table');
  assert.equal(parsePlace('#/fleet?table').query.table, '1');
});

test('no address and a broken one lead somewhere', () => {
  assert.equal(parsePlace('').page, 'home');
  assert.equal(parsePlace('#/').page, 'home');
  assert.equal(parsePlace('#/nodes/%E0%A4%A').args[0], '%E0%A4%A');
  assert.deepEqual(parsePlace('#/nodes?=x&&a=b=c').query, { a: 'b=c' });
});
