// What if: change a few things, run the site's scenario both ways, compare.  All of it modelled.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, may, send } from '../api';
import { Basis } from '../components/basis';
import { Card, EmptyState, ErrorBox, Page } from '../components/layout';
import { place, setQuery } from '../route';
import { share } from '../format';
import { P } from '../strings-pages';
import type { Operation } from '../types-pages';
import { Comparison } from './whatif-result';

const W = P.whatif;

interface Lever {
  key: 'spares' | 'crews' | 'checkpoint_cost' | 'failure_rate' | 'days' | 'runs';
  min: number;
  max: number;
  step: number;
  none: number;                  // changes nothing
  show: (v: number) => string;
}

const signed = (v: number) => v > 0 ? `+${v}` : v < 0 ? `−${-v}` : W.same;
const times = (v: number) => v === 1 ? W.same : `× ${v}`;

const LEVERS: Lever[] = [
  { key: 'spares', min: -8, max: 16, step: 1, none: 0, show: signed },
  { key: 'crews', min: -1, max: 12, step: 1, none: -1,
    show: (v) => v < 0 ? W.same : v === 0 ? W.unlimited : String(v) },
  { key: 'checkpoint_cost', min: 0.25, max: 4, step: 0.25, none: 1, show: times },
  { key: 'failure_rate', min: 0.25, max: 4, step: 0.25, none: 1, show: times },
];
const SIZE: Lever[] = [
  { key: 'days', min: 7, max: 90, step: 1, none: 30, show: (v) => W.days(v) },
  { key: 'runs', min: 3, max: 20, step: 1, none: 5, show: (v) => W.runs(v) },
];

const valueOf = (l: Lever) => {
  const v = Number(place.value.query[l.key]);
  return place.value.query[l.key] !== undefined && Number.isFinite(v)
    ? Math.min(l.max, Math.max(l.min, v)) : l.none;
};

function Slider({ l }: { l: Lever }) {
  const v = valueOf(l);
  const set = (to: number) => setQuery({ [l.key]: to === l.none ? null : to });
  return <label class="slider">
    <span class="slider-name">{W.lever[l.key].name}</span>
    <output class={v === l.none ? 'dim' : ''}>{l.show(v)}</output>
    <input type="range" min={l.min} max={l.max} step={l.step} value={v}
      aria-valuetext={l.show(v)} onInput={(e) => set(Number(e.currentTarget.value))} />
    <small class="dim">{W.lever[l.key].about}</small>
  </label>;
}

/** Only what differs is asked for. */
function wishOf(): Record<string, number> {
  const wish: Record<string, number> = { days: valueOf(SIZE[0]!), runs: valueOf(SIZE[1]!) };
  for (const l of LEVERS) if (valueOf(l) !== l.none) wish[l.key] = valueOf(l);
  return wish;
}

const EVERY_MS = 700;

/** The operation in the address, asked until it is over. */
function useOperation(id: string | undefined) {
  const [op, setOp] = useState<Operation | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    setOp(null);
    setError(null);
    if (!id) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = () => get<Operation>(`/operations/${encodeURIComponent(id)}`, undefined, stop.signal)
      .then((o) => {
        setOp(o);
        if (o.state === 'running') timer = setTimeout(ask, EVERY_MS);
      }, (e) => { if (!stop.signal.aborted) setError(e as ApiError); });
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id]);
  return { op, error };
}

function Running({ op, cancel }: { op: Operation | null; cancel: () => void }) {
  const ppm = op?.progress_ppm ?? 0;
  return <Card title={W.running}>
    <div class="progress" role="progressbar" aria-valuemin={0} aria-valuemax={100}
      aria-valuenow={Math.round(ppm / 1e4)} aria-label={W.running}><i style={{ width: `${ppm / 1e4}%` }} /></div>
    <p class="row-between"><span class="dim">{share(ppm, 0)}</span>
      <button type="button" class="button small" onClick={cancel}>{W.cancel}</button></p>
  </Card>;
}

const failure = (op: Operation) => typeof op.error === 'string' ? op.error
  : op.error?.detail ?? op.error?.title ?? W.failed;

export function WhatIf() {
  const id = place.value.query.op;
  const { op, error } = useOperation(id);
  const [refused, setRefused] = useState<ApiError | null>(null);
  const allowed = may('replay');
  const changes = LEVERS.filter((l) => valueOf(l) !== l.none);
  async function run(e: Event) {
    e.preventDefault();
    setRefused(null);
    try {
      const r = await send<{ operation: string }>('/whatif', wishOf());
      setQuery({ op: r?.operation }, false);
    } catch (err) {
      setRefused(err as ApiError);
    }
  }
  async function cancel() {
    await send(`/operations/${encodeURIComponent(id!)}`, undefined, { method: 'DELETE' }).catch(() => null);
    setQuery({ op: null });
  }
  const running = id !== undefined && !error && (!op || op.state === 'running');
  return <Page title={W.title} sub={<span>{W.sub} <Basis of="modelled" /> {W.modelled}</span>}>
    <div class="whatif">
      <form class="card whatif-form" onSubmit={run}>
        <h2>{W.change}</h2>
        {LEVERS.map((l) => <Slider key={l.key} l={l} />)}
        <h2>{W.size}</h2>
        {SIZE.map((l) => <Slider key={l.key} l={l} />)}
        {refused && <ErrorBox error={refused} />}
        {!allowed && <p class="dim">{W.mayNot}</p>}
        <div class="buttons">
          {changes.length > 0 && <button type="button" class="button"
            onClick={() => setQuery(Object.fromEntries(LEVERS.map((l) => [l.key, null])))}>{W.reset}</button>}
          <button type="submit" class="button primary" disabled={!allowed || running}>{W.run}</button></div>
      </form>
      <div class="stack">
        {error && <ErrorBox error={error} />}
        {running && <Running op={op} cancel={cancel} />}
        {op?.state === 'failed' && <ErrorBox
          error={new ApiError({ title: W.failed, detail: failure(op), status: 1 })} />}
        {op?.state === 'done' && op.result && <Comparison result={op.result} />}
        {!id && <Card><EmptyState title={W.empty}>{W.emptyDo}</EmptyState></Card>}
      </div>
    </div>
  </Page>;
}
