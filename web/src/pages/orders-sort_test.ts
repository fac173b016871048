import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../types-pages';
import { byPlace, isOf } from './orders-sort';

const order = (o: Partial<Order>) => ({ order: 1, who: 'technician', place: 'h1/r1/k1', stuck: false,
  stake_uusd_per_hour: 0, ...o }) as Order;

test('a rack with something stuck is walked first, the others in the order of their numbers', () => {
  const places = byPlace([order({ place: 'k10' }), order({ place: 'k9' }),
    order({ place: 'k11', stuck: true }), order({ place: null, order: 5 })]);
  assert.deepEqual(places.map((p) => p.name), ['k11', 'k9', 'k10', '']);
  assert.equal(places[0]!.stuck, 1);
});

test('inside a rack what is stuck comes first, then what costs most', () => {
  const [rack] = byPlace([order({ order: 1, stake_uusd_per_hour: 5 }), order({ order: 2, stuck: true }),
    order({ order: 3, stake_uusd_per_hour: 9 })]);
  assert.deepEqual(rack!.rows.map((o) => o.order), [2, 3, 1]);
});

test('a crew sees neither what a machine does nor what lies at the vendor', () => {
  const all = ['technician', 'agent', 'bmc', 'vendor'].map((who) => order({ who }));
  const of = (who: string) => all.filter((o) => isOf(o, who)).map((o) => o.who);
  assert.deepEqual(of(''), ['technician']);
  assert.deepEqual(of('machine'), ['agent', 'bmc']);
  assert.deepEqual(of('vendor'), ['vendor']);
  assert.equal(of('all').length, 4);
});
