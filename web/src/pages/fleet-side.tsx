// Beside the map: what its colours mean, and the same map as a table.
import { useMemo } from 'preact/hooks';
import { Mark, STATES } from '../components/marks';
import { sortRows, Table, type Column } from '../components/table';
import { count } from '../format';
import { href, place, setQuery } from '../route';
import { T } from '../strings';
import type { Geometry } from './fleet-geometry';
import { AGE_FULL_DAYS, css, paletteOf, type Metric } from './fleet-palette';
import { tally } from './fleet-strip';

const F = T.fleet;

function Scale({ metric, dark }: { metric: Metric; dark: boolean }) {
  const p = paletteOf(metric, dark), top = metric === 'age' ? AGE_FULL_DAYS : 255;
  const stops = Array.from({ length: 12 },
    (_, i) => css(p[Math.max(1, Math.round(i / 11 * top))]!));
  return <span class="scale"><span>{F.legendLow}</span>
    <i style={{ background: `linear-gradient(90deg, ${stops.join(', ')})` }} />
    <span>{metric === 'age' ? F.ageLegend(AGE_FULL_DAYS) : F.legendHigh}</span></span>;
}

export function Legend({ metric, bytes, dark }: {
  metric: Metric; bytes: Uint8Array | null; dark: boolean;
}) {
  const n = useMemo(() => bytes && metric === 'state' ? tally(bytes) : null, [bytes, metric]);
  const kinds = useMemo(() => bytes && metric !== 'state' ? new Set(bytes).size : 0,
    [bytes, metric]);
  if (metric === 'state') return <ul class="strip-legend" aria-label={F.legend}>
    {STATES.filter((s) => !n || n[s.code] || s.bad).map((s) => <li key={s.code}>
      <span class="swatch" style={{ background: `var(--c-${s.key})` }} /><Mark look={s} />
      {T.state[s.key]}{n && <b>{count(n[s.code])}</b>}</li>)}</ul>;
  const none = css(paletteOf(metric, dark)[0]!);
  return <p class="strip-legend">
    {metric !== 'risk' && <span><span class="swatch" style={{ background: none }} />
      {F.legendFew}</span>}
    {metric === 'age' || metric === 'risk' ? <Scale metric={metric} dark={dark} />
      : <span>{F.categories(metric, Math.max(0, kinds - (bytes?.includes(0) ? 1 : 0)))}</span>}</p>;
}

interface RackRow {
  hall: string;
  row: string;
  rack: string;
  nodes: number;
  gpus: number;
  bad: number | null;
}

const columns: Column<RackRow>[] = [
  { key: 'rack', title: F.tableRack, width: 120, grow: 1, keep: 1 },
  { key: 'row', title: F.tableRow, width: 100, grow: 1 },
  { key: 'hall', title: F.tableHall, width: 90, grow: 1 },
  { key: 'nodes', title: F.tableNodes, width: 70, right: true },
  { key: 'gpus', title: F.tableGpus, width: 70, right: true },
  { key: 'bad', title: F.tableBad, width: 80, right: true, keep: 1,
    show: (r) => r.bad ? <span class="bad">{r.bad}</span> : r.bad },
];

/** Rack by rack, for eyes and readers that a map does not serve. */
export function RackTable({ g, shown }: { g: Geometry; shown: Uint8Array | null }) {
  const sort = place.value.query.sort ?? '-bad';
  const open = place.value.query.table === '1';
  const rows = useMemo(() => !open ? [] : g.racks.map((k): RackRow => {
    const first = g.firstGpu[k.firstNode]!, end = g.firstGpu[k.firstNode + k.nodes]!;
    let bad = 0;
    for (let i = first; shown && i < end; i++) if (STATES[shown[i]!]?.bad) bad++;
    return { hall: k.hall, row: k.row, rack: k.name, nodes: k.nodes, gpus: end - first,
      bad: shown ? bad : null };
  }), [g, shown, open]);
  return <details class="card" open={open}
    onToggle={(e) => setQuery({ table: (e.currentTarget as HTMLDetailsElement).open })}>
    <summary>{F.asTable}</summary>
    {open && <Table label={F.asTable} columns={columns} rows={sortRows(rows, columns, sort)}
      sort={sort} onSort={(s) => setQuery({ sort: s })} maxHeight={420}
      rowKey={(r) => `${r.hall}/${r.row}/${r.rack}`}
      rowHref={(r) => href('nodes', [], { filter: `rack="${r.rack}"` })} />}
  </details>;
}
