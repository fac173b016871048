// One link: where its ends are, what each end reads (light, errors), what that says.
import { Basis } from '../components/basis';
import { Await, Card, EmptyState, Facts, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { usePolled } from '../components/readings';
import { ago } from '../format';
import { reading } from '../reading';
import { href } from '../route';
import { T } from '../strings';
import { M } from '../strings-machines';
import type { LinkDocument, MachineValue } from '../types-machines';

const L = M.link;
const BOTH_EVERY_MS = 2000;

/** Rows by reading and lane; a column an end. */
function EndsTable({ d }: { d: LinkDocument }) {
  const keyOf = (v: MachineValue) => `${v.metric} ${v.scope === 'lane' ? v.instance % 16 : ''}`.trim();
  const keys = [...new Set(d.ends.flatMap((e) => e.values.map(keyOf)))];
  const at = (e: LinkDocument['ends'][number], k: string) => e.values.find((v) => keyOf(v) === k);
  return <table class="plain-table"><thead><tr><th>{M.metric}</th>
    {d.ends.map((e) => <th key={e.end} class="right">{e.at}</th>)}</tr></thead>
    <tbody>{keys.map((k) => <tr key={k}>
      <td class="mono small" title={d.ends.map((e) => at(e, k)?.doc).find(Boolean)}>{k}</td>
      {d.ends.map((e) => <td key={e.end} class="right">{(() => {
        const v = at(e, k);
        return v ? reading(v.value, v.unit) : T.none;
      })()}</td>)}</tr>)}</tbody></table>;
}

function EndFacts({ d }: { d: LinkDocument }) {
  const now = Date.parse(d.clock);
  return <Card title={L.end}><Facts rows={[
    ...d.ends.map((e): [string, preact.JSX.Element] => [e.end === 'a' ? L.from : L.to, <>{e.at}{' '}
      {e.machine ? <a href={href('machines', [e.machine])}>{e.heard ? ago(e.heard, now) : e.machine}</a>
        : <span class="dim">{L.noEnd}</span>}</>]),
    [L.optic, <>{d.link.optic_a ?? L.copper} · {d.link.optic_b ?? L.copper}</>],
    [T.links.kind, d.link.kind],
    [T.links.state, <Badge word={d.link.state} />],
    [T.links.incident, d.link.incident === null ? null
      : <a href={href('incidents', [d.link.incident])}>{d.link.incident}</a>],
  ]} /></Card>;
}

export function LinkPage({ name }: { name: string }) {
  const r = usePolled<LinkDocument>(`/links/${encodeURIComponent(name)}`, undefined, BOTH_EVERY_MS);
  return <Page title={name} sub={<><a href={href('links')}>{L.all}</a>
    <a href={href('events', [], { about: name, kind: 'all' })}>{L.history}</a></>}>
    <Await of={r}>{(d) => <div class="cols-main">
      <div class="stack"><Card title={<>{L.ends} <Basis of="measured" /></>}>
        {d.ends.some((e) => e.values.length) ? <EndsTable d={d} />
          : <EmptyState title={L.noEnd}>{L.noEndDo}</EmptyState>}</Card></div>
      <div class="stack"><EndFacts d={d} /><Card title={<>{L.advice}{d.advice &&
        <> <Basis of={d.advice.rests_on} /></>}</>}>
        <p class={d.advice ? '' : 'dim'}>{d.advice?.text ?? L.adviceNone}</p></Card></div>
    </div>}</Await>
  </Page>;
}
