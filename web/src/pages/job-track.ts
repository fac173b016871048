// A job's life as stretches of time: waiting, starting, running, standing still, between attempts.
// Only arithmetic on GET /jobs/{id}; job-timeline.tsx draws it.
import { timeMs } from '../format';
import type { Attempt, JobIncident, JobStory } from '../types-pages';

export type StretchKind = 'queue' | 'start' | 'run' | 'stall' | 'between' | 'ahead';

export interface Stretch {
  kind: StretchKind;
  from: number;                  // ms
  to: number;
  attempt: number | null;
}

export interface Track {
  from: number;
  to: number;
  now: number;
  stretches: Stretch[];
}

/**
 * How long an attempt stood still at its end: until that was seen and decided and the attempt was
 * over, as far as its time is not work or checkpoints.  A job that is only slow goes on meanwhile:
 * the whole may not be more than what the account calls standing, `left`.
 */
function stallMs(a: Attempt, ran: number, left: number): number {
  const p = a.phases_ms, phases = (p.detect ?? 0) + (p.decide ?? 0) + (p.requeue ?? 0);
  const worked = Math.max(0, a.progress_ms - a.from_ms) + a.checkpoint_ms;
  return a.ended ? Math.max(0, Math.min(phases, ran - worked, left)) : 0;
}

/** Adds its stretches; gives how long it stood. */
function ofAttempt(a: Attempt, now: number, left: number, add: (s: Stretch) => void) {
  const placed = timeMs(a.placed) ?? now, ended = timeMs(a.ended) ?? now;
  const running = Math.min(timeMs(a.running) ?? ended, ended);
  const stood = stallMs(a, ended - running, left), stall = ended - stood;
  add({ kind: 'start', from: placed, to: running, attempt: a.attempt });
  add({ kind: 'run', from: running, to: stall, attempt: a.attempt });
  add({ kind: 'stall', from: stall, to: ended, attempt: a.attempt });
  return { ended, stood };
}

const OVER = new Set(['done', 'failed', 'cancelled']);

/** When it was handed in: the list's row knows, or else the story's first line. */
export const submittedMs = (d: JobStory) =>
  timeMs(d.row?.submitted) ?? timeMs(d.timeline[0]?.time);

export function trackOf(d: JobStory, siteNow: number): Track {
  const record = timeMs(d.record_end) ?? 0, now = Math.max(siteNow, record);
  const stretches: Stretch[] = [];
  const add = (s: Stretch) => { if (s.to > s.from) stretches.push(s); };
  const from = submittedMs(d) ?? timeMs(d.attempts[0]?.placed) ?? now;
  let at = from, left = d.gpus > 0 ? d.cost.standing_gpu_ms / d.gpus : 0;
  for (const a of d.attempts) {
    add({ kind: at === from ? 'queue' : 'between', from: at, to: timeMs(a.placed) ?? at, attempt: null });
    const { ended, stood } = ofAttempt(a, now, left, add);
    at = ended;
    left -= stood;
  }
  const over = OVER.has(d.state), waits = d.state === 'queued' || d.state === 'held';
  if (waits) add({ kind: d.attempts.length ? 'between' : 'queue', from: at, to: now, attempt: null });
  const end = over ? null : timeMs(d.row?.expected_end);
  if (end && end > now && !waits) add({ kind: 'ahead', from: now, to: end, attempt: null });
  const last = stretches.at(-1)?.to ?? now;
  return { from, to: Math.max(last, from + 1000), now, stretches };
}

/** A stretch of time with a little on both sides, as the address holds it. */
export const around = (from: number, to: number) => {
  const pad = (to - from) * 0.3;
  return { from: Math.round(from - pad), to: Math.round(to + pad) };
};

export interface Marker {
  at: number;
  incidents: JobIncident[];      // those that strike at about the same time, the cause first
}

/** Incidents close together in the picture are one mark; `most` marks have room beside each other. */
export function markersOf(list: JobIncident[], from: number, to: number, most = 45): Marker[] {
  const near = (to - from) / most;
  const known = list.map((i) => ({ i, at: timeMs(i.found) ?? timeMs(i.opened) }))
    .filter((x): x is { i: JobIncident; at: number } => x.at !== null && x.at >= from && x.at <= to)
    .sort((a, b) => a.at - b.at || a.i.incident - b.i.incident);
  const marks: Marker[] = [];
  for (const { i, at } of known) {
    const last = marks.at(-1);
    if (last && at - last.at <= near) last.incidents.push(i);
    else marks.push({ at, incidents: [i] });
  }
  return marks;
}

const MIN = 6e4, HOUR = 36e5, DAY = 864e5;
const STEPS = [MIN, 5 * MIN, 15 * MIN, 30 * MIN, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
  2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY];

/** Round times between two, at most `most` of them. */
export function ticks(from: number, to: number, most: number): number[] {
  const step = STEPS.find((s) => (to - from) / s <= most) ?? (to - from) / most;
  const out: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) out.push(t);
  return out;
}
