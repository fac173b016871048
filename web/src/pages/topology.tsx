// Topology: groups of nodes on one fast network, with their jobs and what is free; the switches.
import { PartsBar } from '../components/chart';
import { Await, Card, EmptyState, Facts, Page } from '../components/layout';
import { Mark, STATES } from '../components/marks';
import { Table, sortRows, type Column } from '../components/table';
import { count } from '../format';
import { useResource } from '../resource';
import { href, place, setQuery } from '../route';
import { T } from '../strings';
import type { Topology, TopologyGroup, TopologySwitch } from '../types';

const W = T.topology;
const GROUPS_DRAWN = 600;  // cards beyond this number help nobody: the table stands for them
const CELLS_UNTIL = 120;   // more groups than that get a bar each, not a cell a node
const JOBS_SHOWN = 6;
const OUT = STATES[7]!;    // the look of 'in repair' stands for all that is out
const NAMES = { busy: W.busy, repairing: W.out, spare: W.spares, idle: W.free };

/** 'h01-r01-k[1-8]', 'h01-r01-k1-n[1-4],h01-r01-k2-n[1-4]' → 'h01-r01': the whole parts that all
 * names of a host list begin with. */
export function commonName(list: string): string {
  const names = list.split(/,(?![^[]*\])/).map((name) => {
    const parts = name.split('[')[0]!.split('-');
    return name.includes('[') ? parts.slice(0, -1) : parts;
  });
  const first = names[0] ?? [];
  let n = 0;
  while (n < first.length && names.every((parts) => parts[n] === first[n])) n++;
  return first.slice(0, n).join('-');
}

/** A group's nodes by state.  Spares are free, and kept so; what is out is in no job's hands. */
export function shares(g: Pick<TopologyGroup, 'nodes' | 'free' | 'spares' | 'out'>) {
  const spare = Math.min(g.spares, g.free), out = Math.min(g.out ?? 0, g.nodes - g.free);
  return { busy: g.nodes - g.free - out, out, spare, idle: g.free - spare };
}

function Group({ g, cells: drawn }: { g: TopologyGroup; cells: boolean }) {
  const name = commonName(g.name) || W.group(String(g.group));
  const s = shares(g), free = W.freeOf(s.idle, g.nodes, s.out), label = `${name}: ${free}`;
  const cells = [['busy', s.busy], ['repairing', s.out], ['spare', s.spare], ['idle', s.idle]] as const;
  return <li class="group">
    <div class="group-head"><b title={g.name}>{name}</b>
      <span class="dim">{free}</span></div>
    {drawn ? <div class="group-cells" role="img" aria-label={label}>
      {cells.flatMap(([key, n]) => Array.from({ length: n }, (_, i) =>
        <i key={`${key}${i}`} class={`cell c-${key}`}>
          {key === 'repairing' && <Mark look={OUT} />}</i>))}</div>
      : <PartsBar label={label} parts={cells.map(([key, n]) =>
        ({ share: n / (g.nodes || 1), color: `--c-${key}`, title: `${NAMES[key]} ${n}` }))} />}
    {g.jobs.length > 0 && <div class="group-jobs">
      {g.jobs.slice(0, JOBS_SHOWN).map((j) => <a key={j} href={href('jobs', [j])}>{j}</a>)}
      {g.jobs.length > JOBS_SHOWN && <span class="dim">{W.more(g.jobs.length - JOBS_SHOWN)}</span>}
    </div>}
  </li>;
}

/** Groups under headings that say something: pods, and blocks where a block has several. */
function sections(groups: TopologyGroup[]): [string, TopologyGroup[]][] {
  const key = (g: TopologyGroup, block: boolean) =>
    block ? W.block(String(g.pod ?? ''), String(g.block ?? '')) : W.pod(String(g.pod ?? ''));
  const blocks = new Set(groups.map((g) => key(g, true))).size;
  const found = new Map<string, TopologyGroup[]>();
  for (const g of groups) {
    const name = key(g, blocks < groups.length);
    const list = found.get(name);
    if (list) list.push(g);
    else found.set(name, [g]);
  }
  return found.size <= 1 ? [['', groups]] : [...found];
}

function Idle({ rows }: { rows: Topology['idle_segments'] }) {
  const most = Math.max(1, ...rows.map((s) => s.count));
  return <Card title={W.idle}>
    <p class="dim small">{W.idleHint}</p>
    {!rows.length ? <EmptyState title={W.idleNone} /> : <ul class="bars">
      {[...rows].sort((a, b) => b.size - a.size).map((s) => <li key={s.size}>
        <span class="bars-name">{W.size(s.size)}</span><span class="bars-sub" />
        <span class="bars-value" /><b class="bars-value">{count(s.count)} ×</b>
        <i class="bars-bar idle" style={{ width: `${(s.count / most) * 100}%` }} /></li>)}</ul>}
  </Card>;
}

const switchColumns: Column<TopologySwitch>[] = [
  { key: 'name', title: W.switchName, width: 160, grow: 2, keep: 1 },
  { key: 'links', title: W.links, width: 70, right: true },
  { key: 'links_down', title: W.down, width: 70, right: true, keep: 1,
    show: (s) => s.links_down
      ? <span class="bad"><Mark look={STATES[8]!} /> {s.links_down}</span> : '0' },
];

function Switches({ title, rows }: { title: string; rows: TopologySwitch[] }) {
  const down = rows.reduce((n, s) => n + s.links_down, 0);
  const links = rows.reduce((n, s) => n + s.links, 0);
  const sort = place.value.query.sort ?? '-links_down';
  return <Card title={title} tools={<span class={down ? 'bad' : 'dim'}>
    {down ? W.downOf(count(down), count(links)) : W.allUp}</span>}>
    <Table label={title} columns={switchColumns} rows={sortRows(rows, switchColumns, sort)}
      rowKey={(s) => s.name} sort={sort} onSort={(s) => setQuery({ sort: s })} maxHeight={360}
      rowHref={(s) => href('links', [], { filter: `a ~ "${s.name}:*" or b ~ "${s.name}:*"` })} />
  </Card>;
}

function Shown({ t }: { t: Topology }) {
  const sum = (of: (g: TopologyGroup) => number) => count(t.groups.reduce((n, g) => n + of(g), 0));
  const parts = sections(t.groups.slice(0, GROUPS_DRAWN));
  if (!t.groups.length && !t.leaves.length)
    return <EmptyState title={W.none}>{W.noneDo}</EmptyState>;
  return <div class="cols-main">
    <Card title={W.groups} tools={<span class="strip-legend">
      {Object.entries(NAMES).map(([k, words]) =>
        <span key={k}>{k === 'repairing' ? <Mark look={OUT} />
          : <span class="swatch" style={{ background: `var(--c-${k})` }} />} {words}</span>)}
    </span>}>
      {parts.map(([name, groups]) => <div key={name}>
        {name && <h3>{name}</h3>}
        <ul class="groups">{groups.map((g) =>
          <Group key={g.group} g={g} cells={t.groups.length <= CELLS_UNTIL} />)}</ul></div>)}
      {t.groups.length > GROUPS_DRAWN && <p class="dim">
        {W.groupsMore(count(GROUPS_DRAWN), count(t.groups.length))}{' '}
        <a href={href('fleet')}>{T.fleet.title}</a></p>}
    </Card>
    <div class="stack">
      <Card><Facts rows={[[W.nodes, sum((g) => g.nodes)],
        [W.free, sum((g) => shares(g).idle)], [W.spares, sum((g) => shares(g).spare)],
        [W.out, sum((g) => shares(g).out)], [W.rails, count(t.rails)]]} /></Card>
      <Idle rows={t.idle_segments} />
      {t.leaves.length > 0 && <Switches title={W.leaves} rows={t.leaves} />}
      {t.spines.length > 0 && <Switches title={W.spines} rows={t.spines} />}
    </div>
  </div>;
}

export function TopologyPage() {
  const r = useResource<Topology>('/topology', undefined, { everyMs: 1000 });
  return <Page title={W.title}><Await of={r}>{(t) => <Shown t={t} />}</Await></Page>;
}
