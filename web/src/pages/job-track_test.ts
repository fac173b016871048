import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt, JobIncident, JobStory } from '../types-pages';
import { markersOf, ticks, trackOf } from './job-track';

const T0 = Date.parse('2024-01-01T00:00:00Z'), HOUR = 36e5;
const at = (h: number) => new Date(T0 + h * HOUR).toISOString();
const none = { detect: null, decide: null, requeue: null, place: null, start: null };

const attempt = (n: number, placed: number, running: number | null, ended: number | null,
                 phases: Record<string, number | null> = none) => ({ attempt: n, placed: at(placed),
  running: running === null ? null : at(running), ended: ended === null ? null : at(ended),
  phases_ms: phases, from_ms: 0, progress_ms: 0, checkpoint_ms: 0 }) as Attempt;

const job = (o: Partial<JobStory>, stoodHours = 100) => ({ state: 'done', gpus: 8,
  cost: { standing_gpu_ms: stoodHours * 8 * HOUR }, attempts: [], timeline: [{ seq: 1, time: at(0),
  kind: 'job.submitted', text: '' }], record_end: at(24), ...o }) as JobStory;

const kinds = (d: JobStory, now = 0) => trackOf(d, now).stretches.map((s) =>
  [s.kind, (s.from - T0) / HOUR, (s.to - T0) / HOUR]);

test('a job waits, starts, runs, and its life ends with its last attempt', () => {
  assert.deepEqual(kinds(job({ attempts: [attempt(1, 2, 3, 10)] })),
    [['queue', 0, 2], ['start', 2, 3], ['run', 3, 10]]);
});

test('what went by from standing still to the end of the attempt is no running', () => {
  const stopped = attempt(1, 1, 2, 10, { ...none, detect: HOUR, decide: HOUR / 2, requeue: HOUR / 2 });
  assert.deepEqual(kinds(job({ attempts: [stopped, attempt(2, 12, 13, 20)] })),
    [['queue', 0, 1], ['start', 1, 2], ['run', 2, 8], ['stall', 8, 10], ['between', 10, 12],
      ['start', 12, 13], ['run', 13, 20]]);
});

test('a slow job that waits for a decision works on: only what stood is drawn as standing', () => {
  const slow = { ...attempt(1, 1, 2, 10, { ...none, decide: 8 * HOUR }), progress_ms: 5 * HOUR };
  assert.deepEqual(kinds(job({ attempts: [slow] })),
    [['queue', 0, 1], ['start', 1, 2], ['run', 2, 7], ['stall', 7, 10]]);
  assert.deepEqual(kinds(job({ attempts: [slow] }, 0.5)),
    [['queue', 0, 1], ['start', 1, 2], ['run', 2, 9.5], ['stall', 9.5, 10]]);
});

test('a stall longer than its attempt ran does not reach before it', () => {
  assert.deepEqual(kinds(job({ attempts: [attempt(1, 1, 2, 3, { ...none, detect: 9 * HOUR })] })),
    [['queue', 0, 1], ['start', 1, 2], ['stall', 2, 3]]);
});

test('a running job goes on to the site\'s now, and ahead to its expected end', () => {
  const d = job({ state: 'running', attempts: [attempt(1, 1, 2, null)],
    row: { expected_end: at(40), submitted: at(0) } as JobStory['row'] });
  assert.deepEqual(kinds(d, T0 + 30 * HOUR),
    [['queue', 0, 1], ['start', 1, 2], ['run', 2, 30], ['ahead', 30, 40]]);
});

test('a job that waits again waits until now', () => {
  assert.deepEqual(kinds(job({ state: 'queued', attempts: [attempt(1, 0, 1, 5)] }), T0 + 30 * HOUR),
    [['start', 0, 1], ['run', 1, 5], ['between', 5, 30]]);
  assert.deepEqual(kinds(job({ state: 'queued' }), T0 + 30 * HOUR), [['queue', 0, 30]]);
});

test('an attempt that never ran is all start', () => {
  assert.deepEqual(kinds(job({ attempts: [attempt(1, 0, null, 4)] })), [['start', 0, 4]]);
});

test('incidents at about the same time are one mark, the first of them its link', () => {
  const incident = (id: number, h: number | null) => ({ incident: id, found: h === null ? null : at(h),
    opened: null }) as JobIncident;
  const marks = markersOf([incident(9, 50), incident(2, 10), incident(3, 10.5), incident(4, null),
    incident(5, 200)], T0, T0 + 100 * HOUR);
  assert.deepEqual(marks.map((m) => m.incidents.map((i) => i.incident)), [[2, 3], [9]]);
});

test('ticks stand at round times, no more than asked for', () => {
  assert.deepEqual(ticks(T0 + 1, T0 + 24 * HOUR, 8).map((t) => (t - T0) / HOUR), [3, 6, 9, 12, 15, 18, 21, 24]);
  for (const hours of [0.01, 0.3, 7, 100, 5000, 200_000])
    assert.ok(ticks(T0, T0 + hours * HOUR, 6).length <= 7, `${hours} h`);
});
