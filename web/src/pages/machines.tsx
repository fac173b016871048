// Machines that speak for themselves here: of the site and beside it.
import { EmptyState, ErrorBox, Loading, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { usePolled } from '../components/readings';
import { Table, type Column } from '../components/table';
import { ago, count } from '../format';
import { href } from '../route';
import { M } from '../strings-machines';
import type { List } from '../types';
import type { Machine } from '../types-machines';
import { heardBy } from './machine';

const FIRST = 1000;

const columns = (now: number): Column<Machine>[] => [
  { key: 'name', title: M.name, width: 150, grow: 1, keep: 1 },
  { key: 'state', title: M.state, width: 80, keep: 1,
    show: (m) => <Badge word={m.state === 'heard' ? 'up' : 'down'} text={m.state} /> },
  { key: 'heard', title: M.heard, width: 90, keep: 3, show: (m) => ago(m.heard, now) },
  { key: 'node', title: M.node, width: 120, keep: 3, show: (m) => m.node === null
    ? <span class="dim">{M.notOfSite}</span> : <a href={href('nodes', [m.node])}>{m.node}</a> },
  { key: 'agent', title: M.says, width: 120, keep: 4, show: (m) => heardBy(m) },
  { key: 'series', title: M.series, width: 80, right: true, keep: 3, show: (m) => count(m.series) },
  { key: 'parts', title: M.parts, width: 60, right: true, keep: 5 },
  { key: 'skew_us', title: M.skew, width: 80, right: true, keep: 4,
    show: (m) => m.skew_us === null ? <></> : M.skewOf(m.skew_us) },
  { key: 'conditions', title: M.conditions, width: 80, right: true, keep: 2,
    show: (m) => m.conditions ? <span class="bad">{m.conditions}</span> : <></> },
  { key: 'checks_failed', title: M.checks, width: 96, right: true, keep: 4,
    show: (m) => m.checks_failed || <></> },
];

export function Machines() {
  const r = usePolled<List<Machine> & { clock: string }>('/machines', { limit: FIRST }, 2000);
  const d = r.data;
  return <Page title={M.title} sub={M.sub}>
    {r.error && <ErrorBox error={r.error} retry={r.reload} />}
    {!d ? !r.error && <Loading /> : d.rows.length === 0
      ? <EmptyState title={M.none}>{M.noneDo}</EmptyState>
      : <Table<Machine> label={M.title} columns={columns(Date.parse(d.clock))} rows={d.rows}
        rowKey={(m) => m.name} rowHref={(m) => href('machines', [m.name])} />}
  </Page>;
}

/** One line above the site's nodes: what is really here, when the site is only replayed. */
export function HereStrip() {
  const r = usePolled<List<Machine>>('/machines', { limit: 20 }, 5000);
  const own = (r.data?.rows ?? []).filter((m) => m.node === null);
  if (!own.length) return null;
  return <p class="here-strip"><Badge word="up" text={own.length === 1 ? M.hereOne('') : M.here(own.length)} />
    {own.slice(0, 4).map((m) => <a key={m.name} href={href('machines', [m.name])}>{m.name}</a>)}
    {own.length > 4 && <a href={href('machines')}>{M.title}</a>}</p>;
}
