import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sseParser } from './feed-follow';

function all(...chunks: string[]) {
  const got: string[] = [];
  const parse = sseParser((event, data, id) => got.push(`${event}|${data}|${id}`));
  chunks.forEach(parse);
  return got;
}

test('events are whole wherever the bytes were cut', () => {
  const text = 'id: 7\nevent: incident.opened\ndata: {"a":1}\n\n: ping\n\ndata: x\ndata: y\r\n\r\n';
  const whole = ['incident.opened|{"a":1}|7', 'message|x\ny|7'];
  for (let i = 0; i <= text.length; i++)
    assert.deepEqual(all(text.slice(0, i), text.slice(i)), whole, `cut at ${i}`);
});

test('an event that is not ended is not told', () => {
  assert.deepEqual(all('event: a\ndata: 1\n'), []);
});

test('a line without end is refused', () => {
  assert.throws(() => all('data: ' + 'x'.repeat(70_000)), /too long/);
});
