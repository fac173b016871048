import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, count, gpuHours, NONE, setLocalTime, share, short, shortTime, span, time, usd, watts }
  from './format';

const plain = (text: string) => text.replace(/\u202f/g, ' ');

test('what is not known reads as a dash, and nought as nought', () => {
  for (const f of [count, short, share, usd, gpuHours, span, watts]) {
    assert.equal(f(null), NONE);
    assert.equal(f(undefined), NONE);
    assert.ok(f(0) !== NONE);
  }
  assert.equal(time(null), NONE);
  assert.equal(time('not a time'), NONE);
});

test('money keeps cents while it is small, and is short when large', () => {
  assert.equal(usd(2_500_000), '$2.50');
  assert.equal(usd(1_843_000_000), '$1,843');
  assert.equal(plain(usd(40_213_000_000, true)), '$40.2 k');
  assert.equal(usd(-12_000_000), '−$12');
  assert.equal(usd(0), '$0');
});

test('a length has at most two units and never sixty of the smaller', () => {
  assert.equal(plain(span(120)), '120 ms');
  assert.equal(plain(span(59_999)), '59 s');
  assert.equal(plain(span(3_600_000)), '1 h');
  assert.equal(plain(span(5_400_000)), '1 h 30 min');
  assert.equal(plain(span(86_399_999)), '1 d');
  assert.equal(plain(span(2 * 86_400_000 + 4 * 3_600_000)), '2 d 4 h');
  assert.equal(plain(span(-90_000)), '−1 min');
});

test('shares, counts and watts', () => {
  assert.equal(plain(share(984_500)), '98.5 %');
  assert.equal(count(31_250), '31,250');
  assert.equal(plain(short(1_234_567)), '1.23 M');
  assert.equal(plain(watts(12_400_000)), '12.4 MW');
  assert.equal(plain(gpuHours(3.6e6 * 1500)), '1.5 k GPU h');
});

test('times are in UTC until somebody asks for local ones', () => {
  assert.equal(time('2026-11-22T17:05:09Z'), '2026-11-22 17:05');
  assert.equal(time('2026-11-22T17:05:09Z', true), '2026-11-22 17:05:09');
  const now = Date.parse('2026-11-22T20:00:00Z');
  assert.equal(shortTime('2026-11-22T17:05:00Z', now), '17:05');
  assert.equal(shortTime('2026-11-21T17:05:00Z', now), '11-21 17:05');
  assert.equal(plain(ago('2026-11-22T17:00:00Z', now)), '3 h ago');
  assert.equal(plain(ago('2026-11-22T22:00:00Z', now)), 'in 2 h');
  setLocalTime(true);
  assert.equal(time('2026-11-22T17:05:09Z'), '2026-11-22 17:05');  // tests run with TZ=UTC
  setLocalTime(false);
});
