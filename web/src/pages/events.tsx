// The record, read by people: the newest events, or one with all its fields.
import { useState } from 'preact/hooks';
import { Await, Card, EmptyState, Facts, Page } from '../components/layout';
import { Timeline } from '../components/timeline';
import { time, zone } from '../format';
import { useResource } from '../resource';
import { href, place, setQuery } from '../route';
import { T } from '../strings';
import type { List, SiteEvent } from '../types';

const STEP = 100, MOST = 1000;  // GET /events gives no more at once

/** Families of kinds, as GET /events?kind= takes them; what is only a clock's tick is in none. */
const FAMILIES: Record<keyof typeof T.events.families, string> = {
  told: 'incident.opened,incident.closed,incident.suppressed,node.moved,order.opened,order.ended,' +
    'order.escalated,step.chosen,attempt.placed,attempt.ended,attempt.stop,job.submitted,' +
    'job.cancelled,advice,command,guard.tripped,parts.ordered,parts.arrived,spares.sized',
  faults: 'finding.opened,finding.closed,incident.opened,incident.joined,incident.closed,' +
    'incident.suppressed,incident.freed,node.judged,guard.tripped,cascade.stopped,contradiction',
  repairs: 'step.chosen,order.opened,order.taken,order.ended,order.escalated,order.withdrawn,' +
    'action.started,action.ended,gate.started,gate.ended,drain.ordered,node.moved,parts.ordered,' +
    'parts.arrived',
  jobs: 'job.submitted,attempt.placed,attempt.running,attempt.stop,attempt.ended,job.cancelled',
  people: 'command,advice,epoch',
  all: 'all',
};
const isFamily = (k: string): k is keyof typeof FAMILIES => k in FAMILIES;

function One({ seq }: { seq: string }) {
  const r = useResource<Record<string, unknown>>(`/events/${encodeURIComponent(seq)}`, undefined,
    { live: false });
  return <Page title={T.events.one(seq)} sub={<a href={href('events')}>{T.events.title}</a>}>
    <Await of={r}>{(e) => <Card title={String(e.sentence ?? e.kind ?? '')}>
      <Facts rows={Object.entries(e)
        .filter(([k, v]) => v !== null && typeof v !== 'object' && !/^sentence$|_ns$/.test(k))
        .map(([k, v]) => [k, k === 'time' ? `${time(v as string, true)} ${zone()}`
          : k === 'cause' && v ? <a href={href('events', [String(v)])}>{String(v)}</a>
            : String(v)])} />
      <h3>{T.events.fields}</h3>
      <pre class="mono json">{JSON.stringify(e, null, 2)}</pre>
    </Card>}</Await>
  </Page>;
}

function All() {
  const q = place.value.query, W = T.events;
  const [limit, setLimit] = useState(STEP);
  const kind = q.kind ?? 'told';
  const r = useResource<List<SiteEvent>>('/events',
    { kind: isFamily(kind) ? FAMILIES[kind] : kind, about: q.about, limit });
  return <Page title={W.title} tools={
    <label class="field row"><span>{W.about_}</span>
      <input class="input mono" value={q.about ?? ''} placeholder={W.aboutHint}
        onChange={(e) => setQuery({ about: e.currentTarget.value.trim() })} /></label>}>
    <div class="segments" role="group" aria-label={W.kindLabel}>
      {(Object.keys(FAMILIES) as (keyof typeof FAMILIES)[]).map((f) =>
        <button key={f} type="button" class={f === kind ? 'button on' : 'button'}
          aria-pressed={f === kind} onClick={() => setQuery({ kind: f === 'told' ? null : f })}>{W.families[f]}</button>)}
      {!isFamily(kind) && <button type="button" class="button on" aria-pressed>{kind}</button>}
    </div>
    <Await of={r}>{(d) => <Card>
      {d.rows.length === 0 ? <EmptyState title={W.none}>{W.noneDo}</EmptyState>
        : <Timeline events={d.rows.slice().reverse()} label={W.title} />}
      {d.rows.length >= limit && limit < MOST && <p class="more">
        <button class="button" onClick={() => setLimit(Math.min(MOST, limit * 3))}>
          {W.older}</button></p>}
    </Card>}</Await>
  </Page>;
}

export const Events = ({ seq }: { seq?: string }) => seq ? <One key={seq} seq={seq} /> : <All />;
