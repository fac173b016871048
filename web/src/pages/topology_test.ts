import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonName } from './topology';

test('a group is called what its nodes have in common', () => {
  assert.equal(commonName('h01-r01-k[1-8]'), 'h01-r01');
  assert.equal(commonName('h01-r01-k1-n[1-4],h01-r01-k2-n[1,3]'), 'h01-r01');
  assert.equal(commonName('n7'), 'n7');
  assert.equal(commonName('n[1-4]'), '');
  assert.equal(commonName('a-1,b-2'), '');
});
