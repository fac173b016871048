// How many GPUs are in which state: a bar, and the words and marks that explain it.
import { useMemo } from 'preact/hooks';
import { Mark, STATES } from '../components/marks';
import { Card } from '../components/layout';
import { count, share } from '../format';
import { href } from '../route';
import { T } from '../strings';
import { useHeat } from './fleet-data';

const EVERY_MS = 1000;

/** The number of GPUs in each state, by its code. */
export function tally(bytes: Uint8Array): number[] {
  const n = new Array<number>(STATES.length).fill(0);
  for (const b of bytes) n[b < STATES.length ? b : 0]!++;
  return n;
}

export function FleetStrip() {
  const bytes = useHeat('state', undefined, EVERY_MS).data?.bytes;
  const n = useMemo(() => bytes && tally(bytes), [bytes]);
  if (!bytes || !n) return null;
  const total = bytes.length || 1;
  const order = [2, 1, 10, 5, 6, 4, 3, 7, 8, 9, 0];
  return <Card title={T.home.fleet} tools={<a href={href('fleet')}>{T.home.openMap}</a>}>
    <a class="strip" href={href('fleet')} tabIndex={-1} aria-hidden="true">
      {order.filter((code) => n[code]).map((code) => <i key={code}
        style={{ flexGrow: n[code]!, background: `var(--c-${STATES[code]!.key})` }} />)}</a>
    <ul class="strip-legend">{order.filter((code) => n[code]).map((code) => {
      const s = STATES[code]!;
      return <li key={code}><span class="swatch" style={{ background: `var(--c-${s.key})` }} />
        <Mark look={s} /> {T.state[s.key]} <b>{count(n[code])}</b>
        <span class="dim"> {share((n[code]! / total) * 1e6)}</span></li>;
    })}</ul>
  </Card>;
}
