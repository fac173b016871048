// What waits, in order: why it does not run now, and when it is expected to.
import { useState } from 'preact/hooks';
import { Await, Card, EmptyState, Page } from '../components/layout';
import { Num } from '../components/number';
import { Said } from '../components/said';
import { siteNow } from '../feed';
import { count, short, span, time, until } from '../format';
import { useResource } from '../resource';
import { href } from '../route';
import { P } from '../strings-pages';
import type { List } from '../types';
import type { QueueRow } from '../types-pages';

const Q = P.queue;
const STEP = 100;

function Row({ q }: { q: QueueRow }) {
  return <li class="wait">
    <span class="wait-place dim">{q.place}</span>
    <div class="wait-main">
      <div class="wait-head"><a href={href('jobs', [q.job])}>{Q.job(q.job)}</a>
        <span>{Q.size(q.gpus, q.nodes)}</span>
        <span class="dim">{Q.tenant(String(q.tenant ?? '–'))} · {Q.priority(q.priority)}</span></div>
      <p>{q.why ? <Said text={q.why} /> : Q.whyUnknown}
        {q.incident && <> · <a href={href('incidents', [q.incident])}>{Q.endedBy(q.incident)}</a></>}</p>
    </div>
    <div class="wait-when">
      <Num basis={q.expected_start ? 'modelled' : null} def="expected_start">
        <b title={time(q.expected_start)}>
          {q.expected_start ? until(q.expected_start, siteNow.value) : Q.unknown}</b></Num>
      <span class="dim">{Q.waited(span(q.waited_ms))}</span></div>
  </li>;
}

export function Queue() {
  const [limit, setLimit] = useState(STEP);
  const r = useResource<List<QueueRow>>('/queue', { limit });
  const gpus = r.data?.rows.reduce((s, q) => s + q.gpus, 0) ?? 0;
  return <Page title={Q.title} sub={r.data && r.data.rows.length > 0 &&
    <span>{Q.sum(count(r.data.total ?? r.data.rows.length), short(gpus))}</span>}>
    <Await of={r}>{(d) => <Card>
      {d.rows.length === 0 ? <EmptyState title={Q.none}><a href={href('jobs')}>{Q.noneDo}</a></EmptyState>
        : <ol class="waits">{d.rows.map((q) => <Row key={q.job} q={q} />)}</ol>}
      {(d.total ?? 0) > d.rows.length && <p class="more"><button type="button" class="button"
        onClick={() => setLimit(limit * 4)}>{Q.more}</button></p>}
    </Card>}</Await>
  </Page>;
}
