// Home: five numbers, what changed, what is at risk, what it cost.  Ten seconds must be enough.
import { useEffect, useState } from 'preact/hooks';
import { Chart } from '../components/chart';
import { Basis } from '../components/basis';
import { Await, Card, EmptyState, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { BigNumber, Num } from '../components/number';
import { Timeline } from '../components/timeline';
import { siteNow } from '../feed';
import { ago, count, gpuHours, share, short, span, time, timeMs, usd, watts } from '../format';
import { useResource } from '../resource';
import { href } from '../route';
import { T } from '../strings';
import type { Changed, Incident, List, SeriesDocument, Summary } from '../types';
import { FleetStrip } from './fleet-strip';

const H = T.home;
const SEEN_KEY = 'mw-seen-seq';

/** The newest event this browser has looked at; kept when the page is left or marked as seen. */
function useSeen(revision: number | undefined): [number, () => void] {
  const [seen, set] = useState(() => {
    try {
      return Number(localStorage.getItem(SEEN_KEY) ?? 0);
    } catch {
      return 0;  // storage is switched off: every visit is the first
    }
  });
  const keep = (seq: number) => {
    try {
      localStorage.setItem(SEEN_KEY, String(seq));
    } catch {
      return;  // as above
    }
  };
  useEffect(() => {
    const leave = () => { if (revision) keep(revision); };
    addEventListener('pagehide', leave);
    return () => removeEventListener('pagehide', leave);
  }, [revision]);
  // Another record (a new replay) has no such event yet: then nothing was seen of it.
  const valid = revision === undefined || seen <= revision ? seen : 0;
  return [valid, () => {
    if (!revision) return;
    keep(revision);
    set(revision);
  }];
}

// Chosen: 2 % of the GPUs out is what automation itself may take at once (docs/guard.md); twice as
// many is more than it causes.
const healthTone = (ppm: number | null) =>
  ppm === null ? undefined : ppm >= 980_000 ? 'good' : ppm >= 960_000 ? 'warn' : 'bad';

/** What a principal of some tenants or halls sees: the whole site's figures are not theirs. */
const Part = () => <Card><EmptyState title={H.part}>{H.partDo}</EmptyState></Card>;

/** Since when “today” counts, on the clock that the person reads. */
const dayFrom = (s: Summary) => s.today_from ? time(s.today_from).slice(-5) : H.midnight;

function Five({ s }: { s: Summary }) {
  const healthy = s.gpus ? ((s.gpus_healthy ?? 0) / s.gpus) * 1e6 : null;
  const b = s.rests_on ?? {}, p = s.power;
  return <div class="five">
    <BigNumber label={H.goodput} def="goodput_ppm" basis={b.goodput}
      events={{ kind: 'attempt.ended' }}
      sub={H.goodputSub(share(s.goodput_total_ppm), share(s.ettr_ppm))}>
      {share(s.goodput_ppm)}</BigNumber>
    <BigNumber label={H.healthy} def="gpus_healthy" basis={b.gpus}
      href={href('fleet')} events={{ kind: 'node.moved' }}
      tone={healthTone(healthy)}
      sub={H.healthySub(count(s.gpus_healthy), count(s.gpus))}>{share(healthy)}</BigNumber>
    <BigNumber label={H.lost} def="lost_today_uusd" basis={b.lost}
      events={{ kind: 'incident.closed' }}
      sub={(s.lost_today_uusd === 0 ? H.lostNoneSub.bind(null, dayFrom(s)) : H.lostSub)(
        usd(s.lost_total_uusd, true))}>{usd(s.lost_today_uusd, true)}</BigNumber>
    <BigNumber label={H.power} def="power.drawn_w" basis={p?.rests_on}
      sub={!p || p.drawn_w === null ? H.powerNone
        : p.cap_w ? H.powerSub(watts(p.cap_w)) : H.powerNoCap}
      tone={p?.drawn_w && p.cap_w && p.drawn_w > 0.97 * p.cap_w ? 'warn' : undefined}>
      {watts(p?.drawn_w)}</BigNumber>
    <BigNumber label={H.incidents} def="incidents_open" href={href('incidents')}
      events={{ kind: 'incident.opened' }} basis={b.incidents}
      tone={s.advice_waiting || s.orders_stuck ? 'warn' : undefined}
      sub={H.incidentsSub(s.advice_waiting ?? 0, s.orders_stuck ?? 0)}>
      {count(s.incidents_open)}</BigNumber>
  </div>;
}

function ChangedCard({ c, seen, mark }: {
  c: Changed | null | undefined; seen: number; mark: () => void;
}) {
  const P = H.changedParts;
  const parts: [number, string][] = c ? [[c.incidents_opened, P.opened],
    [c.incidents_closed, P.closed], [c.jobs_stopped, P.stopped], [c.jobs_ended, P.ended],
    [c.orders_closed, P.orders]] : [];
  const some = parts.filter(([n]) => n > 0);
  return <Card title={seen ? H.changed : H.changedFirst} tools={<>
    <button class="button small" onClick={mark}>{H.seenAll}</button></>}>
    {some.length > 0 && <p class="tally">
      {some.map(([n, words]) => <span key={words}><b>{short(n)}</b> {words}</span>)}
      {!!c?.lost_uusd && <span><b>{usd(c.lost_uusd, true)}</b> {P.lost}</span>}</p>}
    {c?.top?.length ? <Timeline events={c.top.slice(0, 8)} label={H.changed} />
      : !some.length && <EmptyState title={H.changedNothing} />}
  </Card>;
}

function LostCard({ s }: { s: Summary }) {
  const rows = [...(s.lost_today ?? [])].sort((a, b) => b.uusd - a.uusd).slice(0, 7);
  const most = Math.max(1, ...rows.map((r) => r.uusd));
  return <Card title={<>{H.lostBy} <Basis of={s.rests_on.lost} /></>}>
    {!rows.length ? <EmptyState title={H.lostNothing(dayFrom(s),
      usd(s.lost_total_uusd, true))} /> : <ul class="bars">
      {rows.map((r) => <li key={r.cause}>
        <span class="bars-name">{r.class}</span><span class="bars-sub" />
        <span class="bars-value">{gpuHours(r.gpu_ms)}</span>
        <b class="bars-value">{usd(r.uusd, true)}</b>
        <i class="bars-bar" style={{ width: `${(r.uusd / most) * 100}%` }} />
      </li>)}</ul>}
  </Card>;
}

function RiskCard({ s }: { s: Summary }) {
  const rows = s.jobs_at_risk ?? [];
  return <Card title={H.risk} tools={<span class="dim">
    {count(s.jobs_running)} {H.running}, {count(s.jobs_queued)} {H.queued}</span>}>
    {!rows.length ? <EmptyState title={H.riskNone} /> : <ul class="rows">
      {rows.slice(0, 6).map((j) => <li key={j.job}>
        <a href={href('jobs', [j.job])}>{j.job}</a>
        <span class="rows-main">{j.why}<br />
          <span class="dim">{H.riskUnsaved(span(j.unsaved_ms))}</span></span>
        <Num basis={s.rests_on.lost}>{H.riskStake(usd(j.stake_uusd, true))}</Num>
      </li>)}</ul>}
  </Card>;
}

function Story({ i }: { i: Incident }) {
  const now = siteNow.value, closed = timeMs(i.closed);
  return <li><a class="story" href={href('incidents', [i.incident])}>
    <span class="story-head"><Badge word={i.state} text={i.class} title={i.state} />
      <span class="dim">{i.on}</span></span>
    <span class="story-next">{closed ? H.closed(ago(closed, now), span(i.age_ms)) : i.next}</span>
    <span class="story-cost"><Num basis={i.rests_on}>{usd(i.lost_uusd, true)}</Num>
      <span class="dim">{closed ? '' : ` ${H.anHour(usd(i.stake_uusd_per_hour, true))} · ` +
        (i.opened ? ago(i.opened, now) : span(i.age_ms))}</span></span>
  </a></li>;
}

const STORIES = 6;

/** Open incidents, the dearest first; when there are few, those that were closed last, too. */
function StoriesCard() {
  const open = useResource<List<Incident>>('/incidents',
    { sort: '-lost_uusd', limit: STORIES }, { everyMs: 1000 });
  const few = open.data !== undefined && open.data.rows.length < STORIES - 2;
  const done = useResource<List<Incident>>(few ? '/incidents' : null,
    { closed: 1, sort: '-closed', limit: STORIES }, { everyMs: 3000 });
  return <Card title={H.stories} tools={<a href={href('incidents')}>{H.allIncidents}</a>}>
    <Await of={open}>{(d) => <>
      {d.rows.length ? <ul class="stories">
        {d.rows.slice(0, STORIES).map((i) => <Story key={i.incident} i={i} />)}</ul>
        : <EmptyState title={H.storiesNone} />}
      {few && !!done.data?.rows.length && <><h3>{H.closedLately}</h3><ul class="stories">
        {done.data.rows.filter((i) => i.closed).slice(0, STORIES - d.rows.length)
          .map((i) => <Story key={i.incident} i={i} />)}</ul></>}
    </>}</Await>
  </Card>;
}

function Trend() {
  const now = siteNow.value;
  const to = Math.floor(now / 6e5) * 6e5;  // a new window every ten minutes of the site's time
  const r = useResource<SeriesDocument>(now ? '/series' : null, { names: 'gpus_healthy,gpus_busy',
    from: new Date(to - 864e5).toISOString(), to: new Date(to).toISOString(), points: 300 },
    { everyMs: 5000 });
  const d = r.data;
  if (!d || d.t.length < 2) return null;
  const row = (name: string) => d.values[d.names.indexOf(name)] ?? [];
  return <Card title={H.trend}>
    <Chart label={H.trend} t={d.t} values={[row('gpus_healthy'), row('gpus_busy')]} height={170}
      lines={[{ name: H.trendNames.gpus_healthy!, color: '--c-gate', show: count },
        { name: H.trendNames.gpus_busy!, color: '--good', show: count, fill: true }]}
      min={0} axis={short} />
  </Card>;
}

export function Home() {
  const [asked, setAsked] = useState<number | undefined>();
  const [seen, mark] = useSeen(asked);
  const r = useResource<Summary>('/summary', { since: seen });
  useEffect(() => { if (r.data) setAsked(r.data.revision); }, [r.data]);
  return <Page title={H.title}>
    <Await of={r}>{(s) => <>
      {s.guard_tripped && <p class="notice" role="alert">{H.tripped}</p>}
      {s.whole_site === false ? <Part /> : <Five s={s} />}
      <FleetStrip />
      <div class="cols-main">
        <div class="stack"><StoriesCard />
          <ChangedCard c={s.changed} seen={seen} mark={mark} /></div>
        <div class="stack"><LostCard s={s} /><RiskCard s={s} /><Trend /></div>
      </div>
    </>}</Await>
  </Page>;
}
