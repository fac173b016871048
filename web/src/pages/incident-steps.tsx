// What was decided: each step with the ways it was chosen from, and what each was expected to cost.
import { Card } from '../components/layout';
import { Badge } from '../components/marks';
import { Num } from '../components/number';
import { Basis } from '../components/basis';
import { share, time, usd } from '../format';
import { href } from '../route';
import { P } from '../strings-pages';
import type { Alternative, Step } from '../types-pages';

const S = P.steps;

/** The terms of the sum, in the order of the total. */
const TERMS = [
  ['action', 'action_uusd', '--c-gate'], ['part', 'part_uusd', '--c-repairing'],
  ['crew', 'crew_uusd', '--c-idle'], ['waiting', 'waiting_uusd', '--c-suspect'],
  ['harm', 'harm_uusd', '--c-down'], ['retry', 'retry_uusd', '--c-held'],
  ['refault', 'refault_uusd', '--c-degraded'],
] as const;

const OUTCOME: Record<string, string> = { ok: 'passed', failed: 'failed', pending: 'open',
  unknown: 'unknown', 'not-begun': 'queued', withdrawn: 'closed' };

export const stepName = (word: string) => S.step[word] ?? word;

function Row({ a, most, terms }: { a: Alternative; most: number; terms: typeof TERMS[number][] }) {
  const cls = a.chosen ? 'alt chosen' : a.barred ? 'alt barred' : 'alt';
  return <tr class={cls} aria-label={a.chosen ? S.chosen : undefined}>
    <th scope="row"><div class="alt-way">
      <span class="alt-mark" aria-hidden="true">{a.chosen ? '▸' : ''}</span>
      <span class="alt-name"><span class="alt-step">{stepName(a.step)}</span>
        {a.chosen && <span class="sr"> ({S.chosen})</span>}
        {a.barred && <small class="alt-why">{a.barred}</small>}
        {a.waits && <small class="alt-why">{S.waits}</small>}</span></div>
    </th>
    <td data-name={S.cures} title={S.curesAbout(share(a.odds_ppm), a.held, a.tried)}>
      {share(a.odds_ppm, 0)} <small class="dim">{a.held}/{a.tried}</small></td>
    {terms.map(([key, field]) => <td key={key} data-name={S.term[key]}
      class={a[field] ? undefined : 'zero'}>{a[field] ? usd(a[field]) : '–'}</td>)}
    <td class="alt-total" data-name={S.total}>{usd(a.total_uusd)}
      <span class="alt-bar" aria-hidden="true">{TERMS.map(([key, field, color]) => a[field] > 0 &&
        <i key={key} style={{ width: `${(a[field] / most) * 100}%`, background: `var(${color})` }} />)}
      </span></td>
  </tr>;
}

/** Possible ways by their sum, barred ones after them. */
function ranked(list: Alternative[]): Alternative[] {
  return [...list].sort((a, b) => Number(b.chosen) - Number(a.chosen) ||
    Number(!!a.barred) - Number(!!b.barred) || a.total_uusd - b.total_uusd);
}

function Sums({ step }: { step: Step }) {
  const rows = ranked(step.alternatives);
  const most = Math.max(1, ...rows.map((a) => a.total_uusd));
  const terms = TERMS.filter(([, field]) => rows.some((a) => a[field]));
  return <table class="alts">
    <caption class="sr">{S.table}</caption>
    <thead><tr><th scope="col">{S.way}</th><th scope="col" title={S.curesHead}>{S.cures}</th>
      {terms.map(([key, , color]) => <th key={key} scope="col" title={S.about[key]}>
        <i class="swatch" style={{ background: `var(${color})` }} /> {S.term[key]}</th>)}
      <th scope="col">{S.total} <Basis of={step.rests_on} /></th></tr></thead>
    <tbody>{rows.map((a) => <Row key={a.step} a={a} most={most} terms={terms} />)}</tbody>
  </table>;
}

function StepBlock({ step, id, n, open }: { step: Step; id: number; n: number; open: boolean }) {
  return <details class="step" open={open}>
    <summary>
      <b>{S.title(n, stepName(step.step))}</b>
      <Badge word={OUTCOME[step.outcome]} text={S.outcome[step.outcome] ?? step.outcome} />
      <span class="dim">{S.expected} {usd(step.cost_uusd)} <Basis of={step.rests_on} /></span>
      <span class="dim">{time(step.time)}</span>
    </summary>
    {step.job_lets_go && step.job_lets_go !== 'never' &&
      <p class="dim small">{S.letsGo(step.job_lets_go)}</p>}
    <Sums step={step} />
    <p class="dim small">{S.expected}{' '}
      <Num basis={step.rests_on} def="step_total_uusd"
        events={{ kind: 'step.chosen', about: `incident:${id}` }}>{usd(step.cost_uusd)}</Num>{' '}
      <a href={href('events', [step.seq])}>#{step.seq}</a></p>
  </details>;
}

export function StepsCard({ steps, id, symptomOf }: {
  steps: Step[]; id: number; symptomOf: number | null;
}) {
  return <Card title={S.head} class="steps">
    {steps.length === 0
      ? <p>{symptomOf ? S.noneSymptom : S.none}{' '}
        {symptomOf ? <a href={href('incidents', [symptomOf])}>{S.theCause(symptomOf)}</a> : S.noneDo}</p>
      : <>{steps.slice().reverse().map((s, i) => <StepBlock key={s.seq} step={s} id={id}
          n={steps.length - i} open={i === 0} />)}
        <p class="dim small">{S.foot}</p></>}
  </Card>;
}
