import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reading } from './reading';

test('a reading is written with its unit and no more digits than it has', () => {
  assert.equal(reading(71.34, 'W'), '71.3\u202fW');
  assert.equal(reading(-2.31, 'dBm'), '−2.3\u202fdBm');
  assert.equal(reading(0.0004, 's'), '0.00040\u202fs');
  assert.equal(reading(null, 'W'), '–');
});

test('bytes get a binary prefix, also a second', () => {
  assert.equal(reading(512, 'B'), '512\u202fB');
  assert.equal(reading(1536, 'B'), '1.5\u202fKiB');
  assert.equal(reading(1536, 'MiB/s'), '1.5\u202fGiB/s');
  assert.equal(reading(0.25, 'MiB/s'), '256\u202fKiB/s');
  assert.equal(reading(0, 'MiB'), '0\u202fMiB');
});
