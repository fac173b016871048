// The states of a GPU or node as they are drawn: colour by a token, and always a mark besides, so
// that no state rests on colour alone.  The numbers are those of GET /fleet/heat?metric=state.
import { T } from '../strings';

export interface StateLook {
  code: number;
  key: keyof typeof T.state;
  bad: boolean;        // never too small to see on the map
}

export const STATES: StateLook[] = [
  { code: 0, key: 'unknown', bad: false },
  { code: 1, key: 'idle', bad: false },
  { code: 2, key: 'busy', bad: false },
  { code: 3, key: 'degraded', bad: true },
  { code: 4, key: 'suspect', bad: true },
  { code: 5, key: 'held', bad: false },
  { code: 6, key: 'gate', bad: false },
  { code: 7, key: 'repairing', bad: true },
  { code: 8, key: 'down', bad: true },
  { code: 9, key: 'out', bad: false },
  { code: 10, key: 'spare', bad: false },
];

/** Which look a word of the API has: health of a node, state of a job, an order, a link. */
const LOOK_OF: Record<string, StateLook['key']> = {
  racked: 'out', provisioning: 'out', validating: 'gate', probation: 'gate', ready: 'busy',
  suspect: 'suspect', down: 'down', repairing: 'repairing', sanitising: 'out', retired: 'out',
  planned: 'out', unknown: 'unknown', idle: 'idle', busy: 'busy', degraded: 'degraded',
  draining: 'suspect', held: 'held', spare: 'spare', gate: 'gate', out: 'out',
  queued: 'idle', placed: 'gate', running: 'busy', stopping: 'suspect', done: 'out',
  failed: 'down', cancelled: 'out', up: 'busy', ok: 'busy', symptom: 'idle', 'in place': 'degraded',
  passed: 'busy', stuck: 'down', 'stuck, begun': 'down', begun: 'repairing', asked: 'gate', stopped: 'suspect', open: 'suspect', closed: 'out',
};

export const lookOf = (word: string | null | undefined): StateLook =>
  STATES.find((s) => s.key === LOOK_OF[(word ?? '').toLowerCase()]) ?? STATES[0]!;

/** 12 × 12 drawings: the shape says what the colour says. */
const SHAPES: Record<StateLook['key'], preact.JSX.Element> = {
  unknown: <path d="M4 4.2a2 2 0 1 1 2.6 2c-.5.2-.6.5-.6 1.1M6 9.2v.6" class="line" />,
  idle: <circle cx="6" cy="6" r="3.6" class="line" />,
  busy: <circle cx="6" cy="6" r="4.2" />,
  degraded: <g><circle cx="6" cy="6" r="4" class="line" /><path d="M6 2a4 4 0 0 1 0 8z" /></g>,
  suspect: <path d="M6 1.6 11 10.4H1z" />,
  held: <path d="M2.5 2h2.4v8H2.5zM7.1 2h2.4v8H7.1z" />,
  gate: <path d="M6 1.4 10.6 6 6 10.6 1.4 6z" class="line" />,
  repairing: <path d="M4.6 1.5h2.8v3.1h3.1v2.8H7.4v3.1H4.6V7.4H1.5V4.6h3.1z" />,
  down: <path d="M2.4 2.4l7.2 7.2M9.6 2.4 2.4 9.6" class="line thick" />,
  out: <path d="M2 6h8" class="line thick" />,
  spare: <path d="M6 1.2l1.4 3.2 3.4.3-2.6 2.3.8 3.4L6 8.6l-3 1.8.8-3.4L1.2 4.7l3.4-.3z" />,
};

export function Mark({ look }: { look: StateLook }) {
  return <svg class={`mark s-${look.key}`} viewBox="0 0 12 12" aria-hidden="true">
    {SHAPES[look.key]}</svg>;
}

/** A state in words with its mark; `word` is what the API said. */
export function Badge({ word, text, title }: {
  word: string | null | undefined; text?: string; title?: string;
}) {
  const look = lookOf(word);
  return <span class={`badge b-${look.key}`} title={title}>
    <Mark look={look} />{text ?? word ?? T.none}</span>;
}
