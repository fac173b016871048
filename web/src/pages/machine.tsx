// One machine as its agent (or BMC, or fabric) says it is: readings, parts, sources, checks.
import { may, send } from '../api';
import { Readings, usePolled } from '../components/readings';
import { Await, Card, Facts, Page } from '../components/layout';
import { Basis } from '../components/basis';
import { Fold } from '../components/fold';
import { Badge } from '../components/marks';
import { toast } from '../components/toast';
import { ago, count, time } from '../format';
import { href } from '../route';
import { M } from '../strings-machines';
import type { Machine, MachineDocument } from '../types-machines';

const path = (name: string) => `/machines/${encodeURIComponent(name)}`;

export const heardBy = (m: Machine) =>
  m.agent && m.gather ? M.byBoth : m.agent ? M.byAgent : M.byGather;

function FastButton({ name }: { name: string }) {
  if (!may('operate')) return null;
  return <button type="button" class="button small" title={M.fastAbout} onClick={async () => {
    try {
      await send(`${path(name)}/rate`, { sample_ms: 100, for_ms: 60_000 });
      toast(M.fastTold);
    } catch (e) {
      toast(String((e as Error).message));
    }
  }}>{M.fast}</button>;
}

function StandsCard({ d }: { d: MachineDocument }) {
  const m = d.machine;
  return <Card title={<>{M.machine} <Basis of={m.rests_on} /></>}><Facts rows={[
    [M.state, <Badge word={m.state === 'heard' ? 'up' : 'down'} text={m.state} />],
    [M.heard, ago(m.heard, Date.parse(d.clock))],
    [M.node, m.node === null ? M.notOfSite : <a href={href('nodes', [m.node])}>{m.node}</a>],
    [M.says, heardBy(m)],
    [M.version, m.version],
    [M.skew, m.skew_us === null ? null : M.skewOf(m.skew_us)],
    [M.series, count(m.series)],
    [M.bytes, m.frames ? count(m.bytes / m.frames) : null],
    [M.coalesced, count(m.coalesced)],
  ]} /></Card>;
}

export function ConditionsCard({ d }: { d: MachineDocument }) {
  return <Card title={M.conditionsCard}>{d.conditions.length === 0
    ? <p class="dim">{M.conditionsNone}</p>
    : <ul class="rows">{d.conditions.map((c, i) => <li key={i}>
      <Badge word="suspect" text={c.class} /><div class="rows-main">{c.text}
        <div class="dim small">{[c.part, c.since && M.since(time(c.since))].filter(Boolean).join(' · ')}</div>
      </div></li>)}</ul>}</Card>;
}

export function ChecksCard({ d }: { d: MachineDocument }) {
  return <Card title={M.checksCard}>{d.checks.length === 0
    ? <p class="dim">{M.checksNone}</p>
    : <Fold rows={d.checks} most={4}>{(rows) => <ul class="rows">{rows.map((c, i) => <li key={i}>
      <Badge word={c.result === 'ok' ? 'passed' : c.result === 'failed' ? 'failed' : 'unknown'}
        text={c.result} />
      <div class="rows-main"><b>{c.level === null ? c.class : M.level(c.level)}</b> <span
        class="dim nowrap">{time(c.time)}</span><pre class="check-text">{c.text}</pre></div></li>)}</ul>}</Fold>}
  </Card>;
}

function SourcesCard({ d }: { d: MachineDocument }) {
  if (!d.sources.length) return null;
  const of = (state: string) => d.sources.filter((s) => s.state === state);
  const absent = of('absent');
  return <Card title={M.sources}>
    <ul class="rows tight">{of('silent').map((s) => <li key={s.name}>
      <Badge word="down" text={s.name} />
      <span class="rows-main dim small">{M.silent}: {s.text}</span></li>)}</ul>
    <p class="tally">{of('ok').map((s) => <Badge key={s.name} word="ok" text={s.name} />)}</p>
    {absent.length > 0 && <details class="all-readings"><summary>{M.absentN(absent.length)}</summary>
      <ul class="rows tight">{absent.map((s) => <li key={s.name}><Badge word="out" text={s.name} />
        <span class="rows-main dim small">{s.text}</span></li>)}</ul></details>}
  </Card>;
}

export function PartsCard({ d }: { d: MachineDocument }) {
  if (!d.parts.length) return null;
  return <Card title={M.partsCard(d.parts.length)}>
    <Fold rows={d.parts} most={8}>{(rows) => <ul class="rows tight">{rows.map((p) =>
      <li key={`${p.scope}${p.n}`}><b class="mono small">{p.name}</b>
        <span class="rows-main small">{[p.model, p.text].filter(Boolean).join(', ')}
          <span class="dim"> {[p.serial, p.fw, p.pci].filter(Boolean).join(' · ')}
            {p.peer && ` → ${p.peer}${p.peer_port ? `:${p.peer_port}` : ''}`}</span></span></li>)}</ul>}</Fold>
  </Card>;
}

/** The cards of a machine that stand beside its readings. */
export function MachineCards({ d }: { d: MachineDocument }) {
  return <><ConditionsCard d={d} /><ChecksCard d={d} /><PartsCard d={d} /><SourcesCard d={d} /></>;
}

export function MachinePage({ name }: { name: string }) {
  const r = usePolled<MachineDocument>(path(name));
  return <Page title={name} tools={r.data?.machine.agent && <FastButton name={name} />}
    sub={<><a href={href('machines')}>{M.title}</a>
      {r.data && r.data.machine.node === null && <span>{M.notOfSite}</span>}</>}>
    <Await of={r}>{(d) => <div class="cols-main">
      <div class="stack"><Readings name={name} doc={d} /></div>
      <div class="stack"><StandsCard d={d} /><MachineCards d={d} /></div>
    </div>}</Await>
  </Page>;
}
