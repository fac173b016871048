// The bar of a replay: its clock, play and pause, speed, jump to the next incident.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, may, send, session, type ApiError } from '../api';
import { heardNow, siteNow } from '../feed';
import { span, time, timeMs, zone } from '../format';
import { href } from '../route';
import { T } from '../strings';
import type { List, ReplayState, SiteEvent } from '../types';
import { Basis } from './basis';
import { Icon } from './icons';
import { toast } from './toast';

/** Seconds of the site's time in a second of ours. */
const SPEEDS = [60, 600, 3600, 10_800, 21_600, 43_200, 86_400, 0];  // 0: as fast as it goes
const LOOK_MS = 2000;   // how often the bar asks; the clock itself comes with the stream
const SEEK_MS = 400;    // while it looks for an incident

const TRIES = 8, TRY_MS = 300;  // until the copy that answers has read what the replay wrote

/** Where the jump has landed: the incident that opened last, after `from`. */
async function tellFound(from: number) {
  for (let i = 0; i < TRIES; i++) {
    const d = await get<List<SiteEvent>>('/events', { kind: 'incident.opened', limit: 1 })
      .catch(() => null);
    const e = d?.rows[d.rows.length - 1];
    if (e && (timeMs(e.time) ?? 0) > from) {
      toast(T.replay.found(e.text), 'good', href('incidents', [e.about?.incident ?? e.seq]));
      return;
    }
    await new Promise((done) => setTimeout(done, TRY_MS));
  }
}

function useReplay() {
  const [state, set] = useState<ReplayState | null>(null);
  const [seeking, setSeeking] = useState(false);
  const from = useRef(0);
  const take = (r: ReplayState | null) => {
    if (!r) return;
    set(r);
    heardNow(r.now);
  };
  useEffect(() => {
    const stop = new AbortController();
    const look = () => {
      if (!document.hidden)
        get<ReplayState>('/replay', undefined, stop.signal).then(take, () => {});
    };
    look();
    const timer = setInterval(look, seeking ? SEEK_MS : LOOK_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [seeking]);
  useEffect(() => {
    if (state?.state === 'seeking') setSeeking(true);
    else if (seeking) {
      setSeeking(false);
      void tellFound(from.current);
    }
  }, [state]);
  const wish = (body: unknown) => {
    send<ReplayState>('/replay', body).then(take, (e: ApiError) => toast(e.message, 'bad'));
  };
  /** On to the next incident, and stop there to look. */
  const jump = () => {
    from.current = timeMs(state?.now) ?? 0;
    wish({ until: 'incident', paused: true });
  };
  return { state, wish, jump };
}

export function ReplayBar() {
  const { state: r, wish, jump } = useReplay();
  if (!session.value?.replay || !r) return null;
  const start = timeMs(r.start) ?? 0, end = timeMs(r.end) ?? 1;
  const now = Math.max(siteNow.value, timeMs(r.now) ?? 0);
  const done = Math.max(0, Math.min(1, (now - start) / (end - start || 1)));
  const still = r.paused || r.state === 'paused' || r.state === 'ended';
  const steer = may('replay');
  const speeds = SPEEDS.includes(r.speed) ? SPEEDS : [r.speed, ...SPEEDS];
  return <section class="replay" aria-label={T.replay.label}>
    <span class="replay-name" title={r.rests_on}>{T.replay.of(r.scenario)}
      <span class="replay-basis">
        {r.rests_on.includes('trace') && <><Basis of="trace" />{T.basis.trace.title}{' + '}</>}
        <Basis of="modelled" />{T.basis.modelled.title}</span></span>
    <button type="button" class="button small" disabled={!steer || r.state === 'ended'}
      aria-label={still ? T.replay.play : T.replay.pause}
      title={still ? T.replay.play : T.replay.pause}
      onClick={() => wish({ paused: !still })}><Icon name={still ? 'play' : 'pause'} /></button>
    <label class="replay-speed"><span class="sr">{T.replay.speed}</span>
      <select class="input small" disabled={!steer} value={String(r.speed)}
        onChange={(e) => wish({ speed: Number(e.currentTarget.value) })}>
        {speeds.map((s) => <option key={s} value={String(s)}>
          {s ? T.replay.perSecond(span(s * 1000)) : T.replay.fastest}</option>)}
      </select></label>
    <button type="button" class="button small"
      disabled={!steer || r.state === 'ended' || r.state === 'seeking'}
      aria-label={T.replay.next} onClick={jump}><Icon name="next" />
      <span class="wide-only">{T.replay.next}</span></button>
    <span class="replay-line" role="img"
      aria-label={T.replay.position(time(now), time(start), time(end))}
      title={T.replay.position(time(now), time(start), time(end))}>
      <i style={{ width: `${done * 100}%` }} /></span>
    <span class="replay-state" role="status">
      {r.state === 'seeking' ? T.replay.seeking : r.state === 'ended' ? T.replay.ended : ''}</span>
    <time class="replay-clock">{time(now)} {zone()}</time>
  </section>;
}
