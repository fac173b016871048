// One job: its life in a strip, what became of its GPU time, its story, and where it goes on from.
import { useEffect, useState } from 'preact/hooks';
import { may } from '../api';
import { askCommand } from '../components/command';
import { Fold } from '../components/fold';
import { Await, Card, EmptyState, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { BigNumber, Num } from '../components/number';
import { Said } from '../components/said';
import { Split } from '../components/split';
import { Timeline } from '../components/timeline';
import { siteNow } from '../feed';
import { count, gpuHours, share, shortTime, span, time, timeMs, until } from '../format';
import { useResource } from '../resource';
import { href, setQuery } from '../route';
import { P } from '../strings-pages';
import type { List, SiteEvent } from '../types';
import type { Attempt, JobCost, JobStory, QueueRow } from '../types-pages';
import { JobTimeline } from './job-timeline';
import { around, submittedMs } from './job-track';

const J = P.job;
const LIVE = new Set(['queued', 'placed', 'running', 'stopping', 'held']);

const PARTS: [keyof JobCost, string, string, string][] = [
  ['productive_gpu_ms', 'productive', '--c-busy', 'class.productive'],
  ['unreported_gpu_ms', 'unreported', '--c-idle', 'job.unreported_gpu_ms'],
  ['starting_gpu_ms', 'starting', '--c-gate', 'class.restart'],
  ['checkpoint_gpu_ms', 'checkpoint', '--c-spare', 'class.checkpoint'],
  ['redone_gpu_ms', 'redone', '--c-repairing', 'class.recompute'],
  ['standing_gpu_ms', 'standing', '--c-down', 'class.hung'],
  ['unsaved_gpu_ms', 'unsaved', '--c-suspect', 'job.unsaved_gpu_ms'],
  ['slowed_gpu_ms', 'slowed', '--c-degraded', 'class.degraded'],
];

function SplitCard({ c, job }: { c: JobCost; job: number }) {
  if (c.held_gpu_ms <= 0) return <Card title={J.split}><EmptyState title={J.splitNone} /></Card>;
  return <Card title={J.split} tools={<Num basis={c.rests_on} def="job.held_gpu_ms"
    events={{ about: `job:${job}` }}>{gpuHours(c.held_gpu_ms)}</Num>}>
    <Split label={J.split} total={c.held_gpu_ms} parts={PARTS.map(([key, word, color, def]) => ({
      key: word, name: J.part[word]!.name, about: J.part[word]!.about, color, value: Number(c[key] ?? 0),
      text: <Num basis={c.rests_on} def={def}>{gpuHours(Number(c[key] ?? 0))}</Num> }))} />
    {c.waiting_ms > 0 && <p class="dim small">{J.waited(span(c.waiting_ms))}</p>}
  </Card>;
}

function Phases({ a }: { a: Attempt }) {
  const known = Object.entries(a.phases_ms).filter(([, ms]) => ms !== null && ms >= 1000);
  if (!known.length) return null;
  return <p class="small dim">{known.map(([k, ms], i) => <span key={k} title={J.phase[k]?.about}>
    {i > 0 && ', '}{J.phase[k]?.name ?? k} {span(ms)}</span>)}</p>;
}

/** Shows an attempt in the strip above, which the keyboard reaches here. */
function zoomTo(a: Attempt) {
  const from = timeMs(a.placed), to = timeMs(a.ended) ?? siteNow.value;
  if (from !== null && to > from) setQuery(around(from, to));
  document.querySelector('.job-track')?.scrollIntoView({ block: 'center' });
}

function AttemptsCard({ d }: { d: JobStory }) {
  if (!d.attempts.length) return null;
  const rows = d.attempts.slice().reverse();
  return <Card title={J.attempts(count(d.attempts.length))}>
    <Fold rows={rows} most={5}>{(some) => <ul class="attempts">{some.map((a) => <li key={a.attempt}>
      <div class="attempt-head"><button type="button" class="attempt-zoom" title={J.zoom} onClick={() => zoomTo(a)}>
          {J.attempt(a.attempt)}</button>
        <Badge word={a.how === 'stopped' ? 'stuck' : a.how} text={J.how[a.how] ?? a.how} />
        {a.incident && <a href={href('incidents', [a.incident])}>{J.byIncident(a.incident)}</a>}
      </div>
      <p class="small dim">{shortTime(a.placed, null)} – {a.ended ? shortTime(a.ended, null) : J.now}</p>
      <p class="attempt-nodes mono small" title={a.nodes}>{a.node_count === 1
        ? <a href={href('nodes', [a.nodes])}>{a.nodes}</a> : a.nodes}</p>
      <p class="small">{J.progress(a.from_ms ? span(a.from_ms) : J.fromStart,
        span(a.progress_ms), span(a.saved_ms))}</p>
      <Phases a={a} />
    </li>)}</ul>}</Fold>
  </Card>;
}

/** The lines about symptoms of another incident: many, and they say the same. */
function symptomLines(d: JobStory): Set<number> {
  const out = new Set<number>(), about: string[] = [];
  const known = new Map(d.incidents.map((i) => [i.incident, i]));
  for (const e of d.timeline.filter((x) => x.kind === 'incident.suppressed')) {
    const id = Number(/^incident (\d+) /.exec(e.text)?.[1]), i = known.get(id);
    for (const seq of [e.seq, id, i?.events?.finding, i?.events?.closed]) if (seq) out.add(seq);
    if (i) about.push(`: ${i.class} on ${i.component},`);
  }
  for (const e of d.timeline)
    if (e.kind === 'finding.closed' && about.some((a) => e.text.includes(a))) out.add(e.seq);
  return out;
}

function StoryCard({ d }: { d: JobStory }) {
  const [all, setAll] = useState(false);
  const hidden = symptomLines(d);
  const lines: SiteEvent[] = all ? d.timeline : d.timeline.filter((e) => !hidden.has(e.seq));
  return <Card title={J.story} tools={hidden.size > 0 && <button type="button" class="button small"
    aria-pressed={all} onClick={() => setAll(!all)}>
    {all ? J.hideSymptoms : J.showSymptoms(count(hidden.size))}</button>}>
    {lines.length === 0 ? <EmptyState title={J.storyNone} />
      : <Fold rows={lines} most={40}>{(rows) => <Timeline events={rows} label={J.story} />}</Fold>}
    {d.left_out > 0 && <p class="dim small">{J.leftOut(count(d.left_out))}</p>}
  </Card>;
}

function IncidentsCard({ d }: { d: JobStory }) {
  if (!d.incidents.length) return null;
  return <Card title={J.incidents(count(d.incidents.length))}>
    <Fold rows={d.incidents} most={6}>{(rows) => <ul class="rows tight">{rows.map((i) => <li key={i.incident}>
      <a href={href('incidents', [i.incident])}>{i.incident}</a>
      <Badge word={i.closed ? 'closed' : 'open'} text={i.class} title={i.component} />
      <span class="rows-main dim cut" title={i.component}>{i.component}</span>
      <span class="dim nowrap">{shortTime(i.found ?? i.opened, null)}</span></li>)}</ul>}</Fold>
  </Card>;
}

function WaitsCard({ d }: { d: JobStory }) {
  const r = useResource<List<QueueRow>>('/queue', { filter: `job=${d.job}`, limit: 1 });
  const q = r.data?.rows.find((x) => x.job === d.job);
  return <section class="notice"><div><h2>{J.whyNot}</h2>
    <p><Said text={q?.why ?? d.now} /></p>
    </div>
    <div class="right"><div class="dim small">{J.start}</div>
      <Num basis="modelled" def="expected_start">{q?.expected_start
        ? <>{until(q.expected_start, siteNow.value)} <span class="dim">({time(q.expected_start)})</span></>
        : J.startUnknown}</Num></div>
  </section>;
}

/** Of a job that never ran: what is known of it. */
function Before({ d }: { d: JobStory }) {
  const j = d.row, submitted = submittedMs(d), events = { about: `job:${d.job}` };
  return <div class="four">
    <BigNumber label={J.queuedFor} def="queue.waited_ms" basis="record" events={events}
      sub={J.queuedSince(time(submitted))}>
      {submitted && siteNow.value ? span(siteNow.value - submitted) : '–'}</BigNumber>
    <BigNumber label={J.work} def="jobs.work_ms" basis="record" events={events} sub={J.workSub}>
      {span(j?.work_ms)}</BigNumber>
    <BigNumber label={J.end} def="expected_end" basis="modelled" events={events}
      sub={j?.expected_end ? time(j.expected_end) : J.endUnknown}>
      {j?.expected_end ? until(j.expected_end, siteNow.value) : '–'}</BigNumber>
  </div>;
}

function Four({ d }: { d: JobStory }) {
  const j = d.row, c = d.cost, live = LIVE.has(d.state);
  const events = { about: `job:${d.job}` };
  const done = j?.work_ms ? ((j.progress_ms ?? 0) / j.work_ms) * 1e6 : null;
  const last = d.attempts.at(-1);
  const lostShare = c.held_gpu_ms > 0 ? (c.lost_gpu_ms / c.held_gpu_ms) * 1e6 : null;
  const submitted = submittedMs(d);
  return <div class="four">
    {live ? <BigNumber label={J.done} def="progress_ms" basis="modelled" events={events}
      sub={j?.work_ms ? J.doneOf(span(j.progress_ms), span(j.work_ms)) : J.doneUnknown}>
      {done === null ? span(last?.progress_ms) : share(done)}</BigNumber>
      : <BigNumber label={J.worked} def="progress_ms" basis={c.rests_on} events={events}
        sub={last?.ended ? J.endedAt(time(last.ended)) : ''}>{span(last?.progress_ms)}</BigNumber>}
    {live ? <BigNumber label={J.end} def="expected_end" basis="modelled" events={events}
      sub={j?.expected_end ? time(j.expected_end) : J.endUnknown}>
      {j?.expected_end ? until(j.expected_end, siteNow.value) : '–'}</BigNumber>
      : <BigNumber label={J.took} def="job.took_ms" basis={c.rests_on} events={events}
        sub={J.attemptsSub(d.attempts.length)}>
        {last?.ended && submitted ? span(Date.parse(last.ended) - submitted) : '–'}</BigNumber>}
    {live ? <BigNumber label={J.stake} def="unsaved_ms" basis="modelled" events={events}
      tone={j?.risk ? 'warn' : undefined} sub={j?.next_checkpoint_ms != null
        ? J.nextCheckpoint(span(j.next_checkpoint_ms)) : J.savedSub(span(d.resume.saved_ms))}>
      {span(j?.unsaved_ms)}</BigNumber>
      : <BigNumber label={J.waitedFor} def="job.waiting_ms" basis={c.rests_on} events={events}
        sub={J.waitedSub}>{span(c.waiting_ms)}</BigNumber>}
    <BigNumber label={J.lost} def="job.lost_gpu_ms" basis={c.rests_on} events={events}
      sub={J.lostSub(share(lostShare), gpuHours(c.held_gpu_ms))}>{gpuHours(c.lost_gpu_ms)}</BigNumber>
  </div>;
}

function Tools({ d }: { d: JobStory }) {
  if (d.engine !== 'slurm' || !may('operate') || !LIVE.has(d.state)) return null;
  const ask = (verb: string, title: string) => () => askCommand({ body: { verb, job: d.job }, title });
  return <>{d.state === 'running' && <button type="button" class="button"
    onClick={ask('job-requeue', J.requeueTitle(d.job))}>{J.requeue}</button>}
  {d.state === 'queued' && <button type="button" class="button"
    onClick={ask('job-hold', J.holdTitle(d.job))}>{J.hold}</button>}</>;
}

function StandsCard({ d }: { d: JobStory }) {
  const seq = d.resume.seq;
  return <Card title={J.goesOn}>
    <p><Said text={d.now} /></p>
    {d.attempts.length > 0 && <p>{LIVE.has(d.state) && J.resumes} <Said text={d.resume.text} />
      {seq && <> <a class="dim" href={href('events', [seq])}>#{seq}</a></>}</p>}
  </Card>;
}

export function JobPage({ id }: { id: string }) {
  const [over, setOver] = useState(false);  // what ended does not change any more
  const r = useResource<JobStory>(`/jobs/${encodeURIComponent(id)}`, undefined,
    { live: !over, everyMs: 1500 });
  const d = r.data;
  useEffect(() => { if (d) setOver(!LIVE.has(d.state)); }, [d]);
  return <Page title={d?.name ? `${J.number(id)} · ${d.name}` : J.number(id)} tools={d && <Tools d={d} />}
    sub={!d ? r.error && <a href={href('jobs', [], { show: 'all' })}>{J.allOfThem}</a> : <><Badge word={d.state} />
      <span>{J.size(d.gpus, d.nodes)}</span>
      <span>{J.tenant(String(d.tenant))}</span><span>{J.priority(d.priority)}</span></>}>
    <Await of={r}>{(doc) => <>
      {doc.row?.risk && LIVE.has(doc.state) && <section class="notice"><div><h2>{J.risk}</h2>
        <p><Said text={doc.row.risk} /></p></div>{doc.row.incident &&
          <a class="button" href={href('incidents', [doc.row.incident])}>{J.openIncident(doc.row.incident)}</a>}
      </section>}
      {doc.state === 'queued' && <WaitsCard d={doc} />}
      {doc.attempts.length ? <Four d={doc} /> : <Before d={doc} />}
      <JobTimeline d={doc} />
      <div class="cols-main">
        <div class="stack">
          <StandsCard d={doc} />
          <StoryCard d={doc} /></div>
        <div class="stack"><SplitCard c={doc.cost} job={doc.job} /><AttemptsCard d={doc} />
          <IncidentsCard d={doc} /></div>
      </div></>}</Await>
  </Page>;
}
