import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount } from './whatif-result';

const at = (mean: number) => ({ mean, lo: mean, hi: mean });

test('a change says its amount, and that it is a difference of means where it is one', () => {
  assert.equal(amount({ unit: 'ppm', baseline: at(6e5), changed: at(63e4), change: at(3e4) }), '+3.00\u202fpoints');
  assert.equal(amount({ unit: 'jobs', baseline: at(10), changed: at(7) }), 'about −3');
});
