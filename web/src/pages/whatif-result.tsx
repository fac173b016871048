// Two columns of runs side by side: means with their 95 % intervals, drawn on one scale a row.
import { Basis } from '../components/basis';
import { Card, EmptyState } from '../components/layout';
import { Num } from '../components/number';
import { count, short, share, usd } from '../format';
import { P } from '../strings-pages';
import type { Interval, WhatIfResult, WhatIfRow } from '../types-pages';

const W = P.whatif;

/** How a figure of this unit reads. */
function shown(unit: string, v: number): string {
  return unit === 'ppm' ? share(Math.min(1e6, Math.max(0, v))) : unit === 'USD' ? usd(v * 1e6, true)
    : unit === 'GPU-h' ? `${short(v)}\u202fGPU\u202fh` : short(v);
}

/** Its key among the definitions. */
const DEF: Record<string, string> = { goodput_ppm: 'goodput_ppm', ettr_ppm: 'ettr_ppm',
  lost_usd: 'lost_total_uusd', productive_gpu_h: 'class.productive', recompute_gpu_h: 'class.recompute',
  checkpoint_gpu_h: 'class.checkpoint', restart_gpu_h: 'class.restart', down_gpu_h: 'class.down',
  repairing_gpu_h: 'class.repairing', spare_gpu_h: 'class.spare', idle_gpu_h: 'class.idle',
  jobs_done: 'whatif.jobs_done', kills: 'whatif.kills' };

const TONE: Record<string, string> = { better: 'good', worse: 'bad' };
// More kept or idle is a choice, neither good nor bad by itself.
const NEUTRAL = ['spare_gpu_h', 'idle_gpu_h'];

function Whisker({ i, lo, hi, y, cls }: { i: Interval; lo: number; hi: number; y: number; cls: string }) {
  const x = (v: number) => `${hi > lo ? 2 + ((v - lo) / (hi - lo)) * 96 : 50}%`;
  return <g class={cls}><line x1={x(i.lo)} x2={x(i.hi)} y1={y} y2={y} />
    <line x1={x(i.lo)} x2={x(i.lo)} y1={y - 4} y2={y + 4} /><line x1={x(i.hi)} x2={x(i.hi)} y1={y - 4} y2={y + 4} />
    <circle cx={x(i.mean)} cy={y} r="4" /></g>;
}

function Both({ r }: { r: WhatIfRow }) {
  const lo = Math.min(r.baseline.lo, r.changed.lo), hi = Math.max(r.baseline.hi, r.changed.hi);
  return <svg class="whiskers" height="28" width="100%" role="img" aria-label={W.spreadOf(r.title)}>
    <Whisker i={r.baseline} lo={lo} hi={hi} y={7} cls="base" />
    <Whisker i={r.changed} lo={lo} hi={hi} y={21} cls="changed" /></svg>;
}

/** The unit is said once, at the mean. */
const plain = (unit: string, v: number) => unit === 'GPU-h' ? short(v) : shown(unit, v);

const equal = (r: WhatIfRow) => r.baseline.mean === r.changed.mean && r.baseline.lo === r.changed.lo &&
  r.baseline.hi === r.changed.hi;

function Cell({ i, r, basis }: { i: Interval; r: WhatIfRow; basis: string }) {
  return <><Num basis={basis} def={DEF[r.key]}>{shown(r.unit, i.mean)}</Num>
    {i.lo !== i.hi && <small class="dim nowrap">{W.range(plain(r.unit, i.lo), plain(r.unit, i.hi))}</small>}</>;
}

/** By how much: what the server worked out run by run, else the difference of the means. */
export function amount(r: Pick<WhatIfRow, 'unit' | 'baseline' | 'changed'> & { change?: Interval }): string {
  const v = r.change?.mean ?? r.changed.mean - r.baseline.mean, sign = v < 0 ? '−' : '+';
  const text = sign + (r.unit === 'ppm' ? `${(Math.abs(v) / 1e4).toFixed(2)}\u202fpoints` : shown(r.unit, Math.abs(v)));
  return r.change ? text : W.about(text);
}

function Verdict({ r }: { r: WhatIfRow }) {
  if (equal(r)) return <td class="nowrap dim">{W.same2}</td>;
  const neutral = NEUTRAL.includes(r.key);
  return <td class={`nowrap ${neutral ? 'dim' : TONE[r.verdict] ?? 'dim'}`}>{amount(r)}
    {!(neutral && r.verdict in TONE) && <><br /><small>{W.verdicts[r.verdict] ?? r.verdict}</small></>}</td>;
}

export function Comparison({ result }: { result: WhatIfResult }) {
  if (!result.rows.length) return <Card><EmptyState title={W.noFigures} /></Card>;
  return <Card title={<>{W.result} <Basis of={result.rests_on} /></>}
    tools={<span class="strip-legend"><span><i class="swatch base" /> {W.base}</span>
      <span><i class="swatch changed" /> {W.changed}</span></span>}>
    <p class="dim" title={result.scenario}>
      {W.ran(result.scenario.split('/').at(-1)!, count(result.days), count(result.runs))}</p>
    <table class="compare">
      <thead><tr><th scope="col">{W.figure}</th><th scope="col">{W.base}</th><th scope="col">{W.changed}</th>
        <th scope="col" class="wide-only">{W.spread}</th><th scope="col">{W.verdict}</th></tr></thead>
      <tbody>{result.rows.map((r) => <tr key={r.key}><th scope="row">{r.title}</th>
        <td><Cell i={r.baseline} r={r} basis={result.rests_on} /></td>
        <td><Cell i={r.changed} r={r} basis={result.rests_on} /></td>
        <td class="wide-only"><Both r={r} /></td>
        <Verdict r={r} /></tr>)}</tbody>
    </table>
    {result.notes?.length > 0 && <ul class="dim small plain notes">{result.notes.map((n) => <li key={n}>{n}</li>)}</ul>}
    <p class="dim small">{W.foot}</p>
  </Card>;
}
