// What a number means, what it rests on, and the events behind it.
import { signal } from '@preact/signals';
import { useResource } from '../resource';
import { href } from '../route';
import { T } from '../strings';
import type { Definition, List, SiteEvent } from '../types';
import { Basis, basisKey } from './basis';
import { Dialog } from './dialog';
import { Facts } from './layout';
import { Timeline } from './timeline';

export interface EventsWish {
  kind?: string;      // as GET /events?kind= takes it
  about?: string;
}

const wish = signal<{ key: string; basis?: string | null; events?: EventsWish } | null>(null);

export function openDefinition(key: string, basis?: string | null, events?: EventsWish) {
  wish.value = { key, basis, events };
}

function Behind({ events }: { events: EventsWish }) {
  const r = useResource<List<SiteEvent>>('/events', { ...events, limit: 8 });
  const rows = r.data?.rows.slice().reverse() ?? [];
  return <>
    <h3>{T.definition.events}</h3>
    {r.data && !rows.length ? <p class="dim">{T.definition.noEvents}</p>
      : <Timeline events={rows} />}
    <p><a href={href('events', [], { ...events })} onClick={() => { wish.value = null; }}>
      {T.definition.allEvents}</a></p>
  </>;
}

/** Rendered once, by the shell. */
export function DefinitionDialog() {
  const w = wish.value;
  const r = useResource<List<Definition>>(w ? '/definitions' : null, undefined, { live: false });
  if (!w) return null;
  const d = r.data?.rows.find((row) => row.key === w.key);
  const basis = w.basis ?? d?.basis;
  const key = basisKey(basis);
  const facts: [string, preact.ComponentChildren][] = [];
  if (d?.unit) facts.push([T.definition.unit, d.unit]);
  if (d?.formula) facts.push([T.definition.formula, <code>{d.formula}</code>]);
  if (basis) facts.push([T.definition.basis, <><Basis of={basis} /> {basis}</>]);
  if (d?.source) facts.push([T.definition.source, d.source]);
  return <Dialog title={d?.title ?? T.definition.title} close={() => { wish.value = null; }}>
    {d && <p>{d.text}</p>}
    {!d && (r.data || r.error) && <p class="dim">{T.definition.none(w.key)}</p>}
    {key && <p class="dim">{T.basis[key].text}</p>}
    {facts.length > 0 && <Facts rows={facts} />}
    {w.events && <Behind events={w.events} />}
  </Dialog>;
}
