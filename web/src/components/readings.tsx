// What a machine says of itself, live: charts of what matters, and every reading in a table from
// which any other is drawn.  Asked by the clock, for readings move without the record.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { LINE_COLORS, LINES_MOST, PANELS, type Panel } from '../machine-panels';
import { ago, count, NONE } from '../format';
import { reading } from '../reading';
import { useResource, type Resource } from '../resource';
import { M } from '../strings-machines';
import type { MachineDocument, MachineSeries, MachineValue } from '../types-machines';
import { Basis } from './basis';
import { Chart } from './chart';
import { Card, EmptyState } from './layout';
import { Table, type Column } from './table';

const EVERY_MS = 1000, BACK_S = 300, POINTS = 300;

/** A resource that is asked for by the clock, while the page is looked at. */
export function usePolled<T>(path: string | null, params?: Record<string, string | number>,
                             everyMs = EVERY_MS): Resource<T> {
  const r = useResource<T>(path, params, { live: false });
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) r.reload(); }, everyMs);
    return () => clearInterval(timer);
  }, [path, JSON.stringify(params), everyMs]);
  return r;
}

/** Shares and rates begin at nought; temperatures, clocks and what is free do not have to. */
const fromZero = (unit: string) => unit === '%' || unit === 'W' || unit.endsWith('/s');

/** A chart of one panel: its metrics, a line for each part. */
function PanelChart({ panel, s }: { panel: Panel; s: MachineSeries }) {
  const rows = s.series.map((x, i) => ({ ...x, i }))
    .filter((x) => panel.metrics.includes(x.metric)).slice(0, LINES_MOST);
  const values = useMemo(() => rows.map((x) => s.values[x.i]!), [s, panel]);
  if (!rows.length) return null;
  const unit = rows[0]!.unit;
  const several = new Set(rows.map((x) => x.metric)).size > 1;
  const name = (x: typeof rows[number]) => [several ? x.metric : '', x.label].filter(Boolean).join(' ')
    || x.metric;
  return <figure class="panel-chart"><figcaption>{panel.title} <Basis of={s.rests_on} /></figcaption>
    <Chart label={panel.title} t={s.t} values={values} height={150} axis={(v) => reading(v, unit)}
      min={fromZero(unit) ? 0 : null} max={unit === '%' ? 100 : null}
      lines={rows.map((x, k) => ({ name: name(x), color: LINE_COLORS[k % LINE_COLORS.length]!,
        dash: k >= LINE_COLORS.length ? [4, 3] : undefined, show: (v) => reading(v, unit) }))} />
  </figure>;
}

const key = (v: MachineValue) => `${v.metric}/${v.instance}`;

function columns(drawn: string[], toggle: (m: string) => void): Column<MachineValue>[] {
  return [
    { key: 'metric', title: M.metric, width: 190, grow: 1, keep: 1, title2: (v) => v.doc,
      show: (v) => <span class="mono">{v.metric}</span> },
    { key: 'label', title: M.part, width: 110, grow: .6, keep: 2, show: (v) => v.label || NONE },
    { key: 'value', title: M.value, width: 110, right: true, keep: 1,
      show: (v) => reading(v.value, v.unit) },
    { key: 'at', title: M.drawn, width: 76, right: true, keep: 3, show: (v) =>
      <input type="checkbox" checked={drawn.includes(v.metric)} aria-label={M.draw(v.metric)}
        onChange={() => toggle(v.metric)} /> },
  ];
}

/** Every reading, filtered by words. */
function AllReadings({ values, drawn, toggle }: {
  values: MachineValue[]; drawn: string[]; toggle: (m: string) => void;
}) {
  const [text, setText] = useState('');
  const words = text.toLowerCase().split(/[\s_]+/).filter(Boolean);
  const rows = values.filter((v) => {
    const all = `${v.metric} ${v.label} ${v.doc}`.toLowerCase();
    return words.every((w) => all.includes(w));
  });
  return <details class="all-readings"><summary>{M.all(count(values.length))}</summary>
    <input class="input" type="search" placeholder={M.filter} aria-label={M.filter} value={text}
      onInput={(e) => setText(e.currentTarget.value)} />
    <Table<MachineValue> label={M.all(count(values.length))} columns={columns(drawn, toggle)} rows={rows}
      rowKey={key} maxHeight={420} />
  </details>;
}

/** The card of a machine's readings: of a node's page and of the machine's own. */
export function Readings({ name, doc }: { name: string; doc: MachineDocument }) {
  const [more, setMore] = useState<string[]>([]);
  const has = new Set(doc.values.map((v) => v.metric));
  const panels = [...PANELS.map((p) => ({ ...p, metrics: p.metrics.filter((m) => has.has(m)) })),
    ...more.map((m) => ({ title: m, metrics: [m] }))].filter((p) => p.metrics.length);
  const metrics = [...new Set(panels.flatMap((p) => p.metrics))].filter((m) => has.has(m));
  const s = usePolled<MachineSeries>(metrics.length ? `/machines/${encodeURIComponent(name)}/series` : null,
    { metrics: metrics.join(','), back_s: BACK_S, points: POINTS });
  const toggle = (m: string) => setMore((old) => old.includes(m) ? old.filter((x) => x !== m) : [...old, m]);
  if (!doc.values.length) return <Card title={M.live}><EmptyState title={M.noReadings}>
    {M.noReadingsDo}</EmptyState></Card>;
  return <Card title={<>{M.live} <Basis of={doc.machine.rests_on} /></>}
    tools={<span class="dim">{M.liveSub}, {ago(doc.machine.heard, Date.parse(doc.clock))}</span>}>
    {s.data && s.data.t.length > 1 && <div class="panel-charts">
      {panels.map((p) => <PanelChart key={p.title} panel={p} s={s.data!} />)}</div>}
    <AllReadings values={doc.values} drawn={metrics} toggle={toggle} />
  </Card>;
}
