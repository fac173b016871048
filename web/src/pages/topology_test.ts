import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonName, shares } from './topology';

test('a group is called what its nodes have in common', () => {
  assert.equal(commonName('h01-r01-k[1-8]'), 'h01-r01');
  assert.equal(commonName('h01-r01-k1-n[1-4],h01-r01-k2-n[1,3]'), 'h01-r01');
  assert.equal(commonName('n7'), 'n7');
  assert.equal(commonName('n[1-4]'), '');
  assert.equal(commonName('a-1,b-2'), '');
});

test('what is out is neither in use nor free, and spares are not free to take', () => {
  assert.deepEqual(shares({ nodes: 16, free: 5, spares: 2, out: 3 }), { busy: 8, out: 3, spare: 2, idle: 3 });
  assert.deepEqual(shares({ nodes: 16, free: 5, spares: 2 }), { busy: 11, out: 0, spare: 2, idle: 3 });
});
