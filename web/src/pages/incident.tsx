// One incident: what it is put down to, what was seen, what was decided and why, whom it hurts,
// what it costs.
import { useEffect, useState } from 'preact/hooks';
import { may } from '../api';
import { askCommand } from '../components/command';
import { Cost } from '../components/cost';
import { Fold } from '../components/fold';
import { Await, Card, EmptyState, ErrorBox, Facts, Loading, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { BigNumber, Num } from '../components/number';
import { Said } from '../components/said';
import { Split } from '../components/split';
import { Timeline } from '../components/timeline';
import { siteNow } from '../feed';
import { ago, count, gpuHours, span, time, usd } from '../format';
import { useResource } from '../resource';
import { href } from '../route';
import { P } from '../strings-pages';
import type { Incident, Job, List } from '../types';
import type { Cause, IncidentStory, Order, Symptom } from '../types-pages';
import { StepsCard } from './incident-steps';

const X = P.incident;

/** Where a node's time went, in the colours of the map. */
const HEALTH_COLOR: Record<string, string> = { down: '--c-down', repairing: '--c-repairing',
  validating: '--c-gate', probation: '--c-spare', suspect: '--c-suspect', ready: '--c-busy',
  provisioning: '--c-out', racked: '--c-out', sanitising: '--c-out', retired: '--c-out' };

const adviceSeq = (d: IncidentStory): number | null =>
  typeof d.advice === 'number' ? d.advice : d.advice?.seq ?? null;

function AdviceCard({ d, seq }: { d: IncidentStory; seq: number }) {
  const text = typeof d.advice === 'object' && d.advice?.text ? d.advice.text
    : d.timeline.find((e) => e.seq === seq)?.text;
  const answer = (verb: 'approve' | 'reject', title: string) =>
    askCommand({ body: { verb, ref: seq }, title });
  return <section class="notice" role="region" aria-label={X.advice}>
    <div><h2>{X.advice}</h2>
      <p>{text ? <Said text={text} /> : X.adviceText(seq)}{' '}
        <a class="dim" href={href('events', [seq])}>#{seq}</a></p></div>
    {may('approve') ? <div class="buttons">
      <button type="button" class="button" onClick={() => answer('reject', X.rejectTitle(seq))}>
        {X.reject}</button>
      <button type="button" class="button primary" onClick={() => answer('approve', X.approveTitle(seq))}>
        {X.approve}</button></div> : <p class="dim">{X.mayNot}</p>}
  </section>;
}

function CauseRow({ c, best, chosen }: { c: Cause; best: number; chosen: boolean }) {
  const width = best > 0 ? Math.max(0, c.score / best) * 100 : 0;
  return <li class={chosen ? 'cause chosen' : 'cause'}>
    <span class="cause-name">{chosen && <span aria-hidden="true">▸ </span>}{c.component}
      {chosen && <span class="sr"> ({X.believed})</span>}</span>
    <span class="dim">{X.cry(count(c.seen), count(c.below))}</span>
    <Num def="cause_score">{(c.score / 1000).toFixed(1)}</Num>
    <i class="bars-bar" style={{ width: `${width}%` }} />
  </li>;
}

function CauseCard({ d }: { d: IncidentStory }) {
  const best = d.causes[0]?.score ?? 0;
  return <Card title={X.cause}>
    {d.symptom_of && <p>{X.symptomOf} <a href={href('incidents', [d.symptom_of])}>
      {X.number(d.symptom_of)}</a>. {X.symptomText}</p>}
    {d.causes.length === 0
      ? !d.symptom_of && <p>{X.ownPart(d.component)}</p>
      : <><p class="dim small">{X.causeText}</p>
        <Fold rows={d.causes} most={6}>{(rows) => <ol class="causes">
          {rows.map((c) => <CauseRow key={c.component} c={c} best={best}
            chosen={c.component === d.component} />)}</ol>}</Fold></>}
  </Card>;
}

function SymptomsCard({ list, now }: { list: Symptom[]; now: number | null }) {
  if (!list.length) return null;
  return <Card title={X.symptoms(count(list.length), now === null ? null : count(now))}>
    <p class="dim small">{X.symptomsText}</p>
    <Fold rows={list}>{(rows) => <ul class="symptoms">{rows.map((s) => <li key={s.incident}>
      <a href={href('incidents', [s.incident])}>{s.incident}</a>
      <span>{s.node ? <a href={href('nodes', [s.node])}>{s.node}</a> : s.class}</span>
      <span class="dim">{s.freed ? X.freed : s.class}</span></li>)}</ul>}</Fold>
  </Card>;
}

function JobLine({ id }: { id: number }) {
  const r = useResource<List<Job>>('/jobs', { all: 1, filter: `job=${id}`, limit: 1 });
  const j = r.data?.rows[0];
  return <li><a href={href('jobs', [id])}>{j?.name ?? X.job(id)}</a>
    {j && <>{j.state !== 'running' && <Badge word={j.state} />}
      <span class="dim rows-main">{X.jobSize(j.gpus)}</span>
      {j.unsaved_ms !== null && <Num basis="modelled" def="unsaved_ms">{X.unsaved(span(j.unsaved_ms))}</Num>}</>}
  </li>;
}

function HurtCard({ d }: { d: IncidentStory }) {
  const jobs = d.jobs ?? [];
  return <Card title={X.hurt}>
    {jobs.length === 0 ? <p>{d.had_job ? X.hurtEarlier : X.hurtNone}</p>
      : <Fold rows={jobs} most={6}>{(rows) => <ul class="rows tight">
        {rows.map((id) => <JobLine key={id} id={id} />)}</ul>}</Fold>}
    {d.job_let_go && d.job_let_go !== 'never' && d.had_job && <p class="dim small">
      {X.letGo(d.job_let_go)} {d.job_let_go_seq &&
        <a href={href('events', [d.job_let_go_seq])}>#{d.job_let_go_seq}</a>}</p>}
  </Card>;
}

function CostCard({ d }: { d: IncidentStory }) {
  const times = Object.entries(d.times_ms ?? {}).sort((a, b) => b[1] - a[1]);
  return <Card title={X.times}>
    {times.length > 0 ? <Split label={X.times} total={times.reduce((s, [, ms]) => s + ms, 0)}
      parts={times.map(([k, ms]) => ({ key: k, name: k, value: ms, text: span(ms),
        color: HEALTH_COLOR[k] ?? '--c-unknown' }))} /> : <p class="dim">{X.timesNone}</p>}
    <Facts rows={[[X.began, d.began ? time(d.began) : null], [X.found, time(d.found)],
      [d.open ? X.openFor : X.closed, d.open ? span(d.total_ms) : time(d.closed)],
      [X.refaults, count(d.refaults)], [X.escalated, count(d.escalated)]]} />
  </Card>;
}

function OrdersCard({ id }: { id: number }) {
  const r = useResource<List<Order>>('/orders', { filter: `incident=${id}`, limit: 20 });
  const rows = (r.data?.rows ?? []).filter((o) => o.incident === id);
  if (!rows.length) return null;
  return <Card title={X.orders}><ul class="rows tight">{rows.map((o) => <li key={o.order}>
    <a href={href('orders', [o.order])}>{o.order}</a>
    <span class="rows-main">{o.do}{o.part ? `, ${o.part}` : ''}</span>
    <Badge word={o.stuck ? 'stuck' : o.state} text={o.state} /></li>)}</ul></Card>;
}

function Body({ d, row }: { d: IncidentStory; row: Incident | undefined }) {
  const seq = adviceSeq(d);
  const basis = row?.rests_on ?? d.lost_rests_on;
  const about = { about: `incident:${d.incident}` };
  return <>
    {seq && <AdviceCard d={d} seq={seq} />}
    <div class="four">
      <BigNumber label={d.open ? X.costSoFar : X.cost} def="lost_uusd" basis={basis} events={about}
        sub={gpuHours(d.lost_gpu_ms)}><Cost.Text uusd={d.lost_uusd} /></BigNumber>
      {d.open && <BigNumber label={X.costHour} def="stake_uusd_per_hour" basis={basis} events={about}
        sub={X.costHourSub}>{usd(row?.stake_uusd_per_hour, true)}</BigNumber>}
      <BigNumber label={d.open ? X.openFor : X.lasted} def="incidents.age_ms" basis={d.lost_rests_on}
        events={about} sub={d.open ? time(d.opened) : X.fromTo(time(d.opened), time(d.closed))}>
        {span(d.total_ms)}</BigNumber>
      <div class="big next"><div class="big-label">{X.next}</div>
        <p>{!d.open ? X.nextClosed : row?.next ? <Said text={row.next} /> : X.nextUnknown}</p></div>
    </div>
    <CauseCard d={d} />
    {d.steps.length > 0 && <StepsCard steps={d.steps} id={d.incident} symptomOf={d.symptom_of} />}
    <div class="cols-main">
      <div class="stack">
        <SymptomsCard list={d.symptoms} now={d.open ? row?.symptoms ?? null : null} />
        {d.steps.length === 0 && <StepsCard steps={[]} id={d.incident} symptomOf={d.symptom_of} />}
        <Card title={X.seen(d.findings.length)}>
          {d.findings.length === 0 ? <EmptyState title={X.seenNone} />
            : <Fold rows={d.findings}>{(rows) => <Timeline events={rows} label={X.evidence} />}</Fold>}
        </Card>
        <Card title={X.timeline}>
          {d.timeline.length === 0 ? <EmptyState title={X.timelineNone} />
            : <Fold rows={d.timeline.slice().reverse()} most={14}>
              {(rows) => <Timeline events={rows} label={X.timeline} />}</Fold>}
          {d.left_out > 0 && <p class="dim small">{X.leftOut(count(d.left_out))}</p>}
        </Card>
      </div>
      <div class="stack">
        <HurtCard d={d} />
        <OrdersCard id={d.incident} />
        <CostCard d={d} />
      </div>
    </div>
  </>;
}

export function IncidentPage({ id }: { id: string }) {
  const [over, setOver] = useState(false);  // a closed story does not change any more
  const r = useResource<IncidentStory>(`/incidents/${encodeURIComponent(id)}`, undefined,
    { live: !over, everyMs: 1500 });
  const d = r.data;
  useEffect(() => { if (d) setOver(!d.open); }, [d]);
  const rows = useResource<List<Incident>>(d?.open && !d.row ? '/incidents' : null,
    { all: 1, filter: `incident=${id}`, limit: 1 });
  const row = d?.row ?? rows.data?.rows.find((i) => i.incident === d?.incident);
  if (!d) return <Page title={X.number(id)} sub={r.error && <a href={href('incidents')}>{X.allOfThem}</a>}>
    {r.error ? <ErrorBox error={r.error} retry={r.reload} /> : <Loading />}</Page>;
  return <Page title={X.title(id, d.class)} sub={<>
    <Badge word={d.open ? row?.state ?? d.node_is : 'closed'}
      text={d.open ? row?.state ?? (d.node_is || X.open) : X.closedWord} />
    <span>{d.component}</span>
    {d.node && d.component !== d.node && <a href={href('nodes', [d.node])}>{d.node}</a>}
    {d.node && d.component === d.node && <a href={href('nodes', [d.node])}>{X.theNode}</a>}
    <span>{d.open ? X.since(ago(d.opened, siteNow.value)) : ''}</span></>}>
    <Await of={r}>{(doc) => <Body d={doc} row={row} />}</Await>
  </Page>;
}
