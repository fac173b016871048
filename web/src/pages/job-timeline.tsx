// A job's life in one strip: what it did when, and where incidents struck.
import { Card } from '../components/layout';
import { siteNow } from '../feed';
import { shortTime, span, time, timeMs } from '../format';
import { go, href, place, setQuery } from '../route';
import { P } from '../strings-pages';
import type { JobIncident, JobStory } from '../types-pages';
import { around, markersOf, ticks, trackOf, type Marker, type Stretch, type StretchKind } from './job-track';

const L = P.jobTrack;
const COLOR: Record<StretchKind, string> = { queue: '--c-unknown', start: '--c-gate', run: '--c-busy',
  stall: '--c-down', between: '--c-suspect', ahead: '--c-idle' };
const STRIP = { y: 26, height: 30 }, LANE = 62, AXIS = 74, HEIGHT = 92;

type Place = (t: number) => string;

function Bar({ s, x, w, zoom }: { s: Stretch; x: string; w: string; zoom: () => void }) {
  const text = L.stretch(L.kind[s.kind], span(s.to - s.from), time(s.from), time(s.to), s.attempt);
  return <rect x={x} y={STRIP.y} width={w} height={STRIP.height} class={`track track-${s.kind}`}
    style={{ fill: `var(${COLOR[s.kind]})` }} onClick={zoom}><title>{text}</title></rect>;
}

function MarkerLink({ m, x }: { m: Marker; x: string }) {
  const first = m.incidents[0]!, n = m.incidents.length;
  const text = L.marker(first.incident, first.class, first.component, n - 1, time(m.at));
  return <a href={href('incidents', [first.incident])} aria-label={text} class="track-mark">
    <title>{text}</title>
    <svg x={x} y="0" overflow="visible"><path d="M-7 4H7L0 16z" /><path d="M0 16V56" class="track-line" />
      {n > 1 && <text x="10" y="14">{n}</text>}</svg></a>;
}

/** Incidents as thin bars: how long something was wrong on its nodes. */
function Lane({ list, now, pos }: { list: JobIncident[]; now: number; pos: Place }) {
  return <>{list.map((i) => {
    const a = timeMs(i.began) ?? timeMs(i.opened), b = timeMs(i.closed) ?? now;
    return a !== null && <line key={i.incident} x1={pos(a)} x2={pos(b)} y1={LANE} y2={LANE}
      class="track-wrong"><title>{L.wrong(i.incident, i.class, span(b - a))}</title></line>;
  })}</>;
}

function Legend({ kinds, wrong }: { kinds: StretchKind[]; wrong: boolean }) {
  return <ul class="strip-legend">{kinds.map((k) => <li key={k}>
    <span class="swatch" style={{ background: `var(${COLOR[k]})` }} /> {L.kind[k]}</li>)}
    {wrong && <li><svg class="mark track-mark" viewBox="-8 3 16 14" aria-hidden="true">
      <path d="M-7 4H7L0 16z" /></svg> {L.struck}</li>}</ul>;
}

/** How a label stands to its tick: at the ends it must not be cut, on a phone sooner. */
const anchorOf = (part: number) => part < 4 ? 'at-start' : part > 96 ? 'at-end'
  : part < 12 ? 'at-start-narrow' : part > 88 ? 'at-end-narrow' : '';

/** What of the time is shown: all, or what the address says. */
function windowOf(all: { from: number; to: number }): { from: number; to: number; zoomed: boolean } {
  const q = place.value.query, a = Number(q.from), b = Number(q.to);
  return q.from && q.to && b > a ? { from: a, to: b, zoomed: true } : { ...all, zoomed: false };
}

export function JobTimeline({ d }: { d: JobStory }) {
  const track = trackOf(d, d.state === 'running' || d.state === 'queued' ? siteNow.value : 0);
  const w = windowOf(track), range = w.to - w.from;
  const part = (t: number) => Math.max(-5, Math.min(105, ((t - w.from) / range) * 100));
  const pos: Place = (t) => `${part(t).toFixed(3)}%`;
  const zoomTo = (s: Stretch) => () => setQuery(around(s.from, s.to));
  const seen = track.stretches.filter((s) => s.to > w.from && s.from < w.to);
  const narrow = innerWidth < 720;
  const marks = markersOf(d.incidents, w.from, w.to, narrow ? 14 : 45);
  const kinds = (Object.keys(COLOR) as StretchKind[]).filter((k) => seen.some((s) => s.kind === k));
  const key = (e: KeyboardEvent) => {
    if (e.key === '0' && w.zoomed) setQuery({ from: null, to: null });
  };
  return <Card title={L.title} tools={w.zoomed ? <button type="button" class="button small"
    onClick={() => go(href('jobs', [d.job]), true)}>{L.whole}</button>
    : track.stretches.length > 1 && <span class="dim wide-only">{L.hint}</span>}>
    <svg class="job-track" height={HEIGHT} width="100%" role="group" aria-label={L.label(
      time(track.from), time(track.to))} onKeyDown={key}>
      <rect x="0" y={STRIP.y} width="100%" height={STRIP.height} class="track-ground" />
      {seen.map((s) => <Bar key={`${s.kind}${s.from}`} s={s} x={pos(s.from)} zoom={zoomTo(s)}
        w={`${Math.max(0.15, part(s.to) - part(s.from)).toFixed(3)}%`} />)}
      <Lane list={d.incidents.filter((i) => (timeMs(i.closed) ?? track.now) > w.from &&
        (timeMs(i.opened) ?? 0) < w.to)} now={track.now} pos={pos} />
      {ticks(w.from, w.to, narrow ? 4 : 8).map((t) => <g key={t} class="tick">
        <line x1={pos(t)} x2={pos(t)} y1={STRIP.y + STRIP.height} y2={AXIS} />
        <text x={pos(t)} y={AXIS + 13} class={anchorOf(part(t))}>
          {shortTime(t, null)}</text></g>)}
      {d.row?.next_checkpoint_ms != null && d.state === 'running' && <line class="track-next"
        x1={pos(track.now + d.row.next_checkpoint_ms)} x2={pos(track.now + d.row.next_checkpoint_ms)}
        y1={STRIP.y - 4} y2={STRIP.y + STRIP.height + 4}>
        <title>{L.nextCheckpoint(span(d.row.next_checkpoint_ms))}</title></line>}
      {marks.map((m) => <MarkerLink key={m.at} m={m} x={pos(m.at)} />)}
    </svg>
    <Legend kinds={kinds} wrong={marks.length > 0} />
  </Card>;
}
