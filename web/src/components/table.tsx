// A table of any length: only the rows in view are in the page.  Sorting is its caller's, or done
// here with `local`.  Keyboard: up, down, page, home, end; Enter opens the row.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { go } from '../route';
import { T } from '../strings';

export interface Column<Row> {
  key: string;                                  // the field, for sorting by the API
  title: string;
  show?: (row: Row) => ComponentChildren;       // default: row[key]
  value?: (row: Row) => number | string | boolean | null | undefined; // for sorting here
  width?: number;                               // least px; default 90
  grow?: number;                                // share of what is left; default 0
  right?: boolean;                              // figures
  keep?: number;                                // 1 always shown … 5 first to go on small screens
  sortable?: boolean;                           // default true
  title2?: (row: Row) => string | undefined;    // hover
}

export interface TableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string | number;
  rowHref?: (row: Row) => string | undefined;
  rowClass?: (row: Row) => string | undefined;
  selected?: string | number | null;
  sort?: string;                                // 'key' or '-key'
  onSort?: (sort: string) => void;
  total?: number;
  empty?: ComponentChildren;
  /** Rows are asked for when the end comes near. */
  onEnd?: () => void;
  /** The most px of height; default: to the bottom of the window. */
  maxHeight?: number;
}

const ROW = 34, OVER = 12, GAP = 14;

/** Those columns for which there is room, least needed first to go. */
function fitting<Row>(columns: Column<Row>[], width: number): Column<Row>[] {
  const list = [...columns];
  const need = () => list.reduce((sum, c) => sum + (c.width ?? 90) + GAP, 8);
  while (list.length > 1 && need() > width) {
    let worst = -1;
    list.forEach((c, i) => {
      if ((c.keep ?? 3) > 1 && (worst < 0 || (c.keep ?? 3) >= (list[worst]!.keep ?? 3))) worst = i;
    });
    if (worst < 0) break;
    list.splice(worst, 1);
  }
  return list;
}

const raw = <Row,>(c: Column<Row>, row: Row): unknown =>
  c.value ? c.value(row) : (row as Record<string, unknown>)[c.key];

/** Rows sorted here: unknown values last either way. */
export function sortRows<Row>(rows: Row[], columns: Column<Row>[], sort: string): Row[] {
  const down = sort.startsWith('-'), c = columns.find((k) => k.key === sort.replace(/^-/, ''));
  if (!c) return rows;
  return rows.map((row, i) => ({ row, i, v: raw(c, row) })).sort((a, b) => {
    const none = (v: unknown) => v === null || v === undefined || v === '';
    if (none(a.v) || none(b.v)) return Number(none(a.v)) - Number(none(b.v)) || a.i - b.i;
    const d = typeof a.v === 'string' ? a.v.localeCompare(String(b.v), 'en', { numeric: true })
      : Number(a.v) - Number(b.v);
    return (down ? -d : d) || a.i - b.i;
  }).map((x) => x.row);
}

function Heads<Row>({ columns, sort, onSort, style }: {
  columns: Column<Row>[]; sort?: string; onSort?: (s: string) => void;
  style: { gridTemplateColumns: string; minWidth: string };
}) {
  const click = (key: string) =>
    onSort?.(sort === `-${key}` ? key : sort === key ? `-${key}` : `-${key}`);
  return <div class="t-head" role="row" style={style}>
    {columns.map((c) => {
      const dir = sort === c.key ? 'asc' : sort === `-${c.key}` ? 'desc' : null;
      return <div key={c.key} role="columnheader" class={c.right ? 't-cell right' : 't-cell'}
        aria-sort={dir === 'asc' ? 'ascending' : dir === 'desc' ? 'descending' : 'none'}>
        {onSort && c.sortable !== false
          ? <button type="button" class="t-sort" onClick={() => click(c.key)}>
            {c.title}<span class="t-dir" aria-hidden="true">
              {dir === 'asc' ? '▲' : dir === 'desc' ? '▼' : ''}</span></button>
          : c.title}
      </div>;
    })}
  </div>;
}

/** Width and height that the table has, and how far it is scrolled. */
function useView() {
  const box = useRef<HTMLDivElement>(null);
  const [view, set] = useState({ width: 0, height: 600, top: 0 });
  useLayoutEffect(() => {
    const el = box.current!;
    const look = () => set({ width: el.clientWidth, height: el.clientHeight, top: el.scrollTop });
    const watch = new ResizeObserver(look);
    watch.observe(el);
    el.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      watch.disconnect();
      el.removeEventListener('scroll', look);
    };
  }, []);
  return { box, view };
}

export function Table<Row>(p: TableProps<Row>) {
  const { box, view } = useView();
  const [active, setActive] = useState(-1);
  const columns = useMemo(() => fitting(p.columns, view.width), [p.columns, view.width]);
  const template = columns.map((c) =>
    c.grow ? `minmax(${c.width ?? 90}px, ${c.grow}fr)` : `minmax(${c.width ?? 90}px, auto)`)
    .join(' ');
  const grid = columns.some((c) => c.grow) ? template.replace(/minmax\((\d+)px, auto\)/g, '$1px')
    : template.replace(/minmax\((\d+)px, auto\)/g, 'minmax($1px, 1fr)');
  // One least width for all rows: what stands in a row must not move its columns.
  const style = { gridTemplateColumns: grid,
    minWidth: `${columns.reduce((sum, c) => sum + (c.width ?? 90) + GAP, 10)}px` };
  const first = Math.max(0, Math.floor(view.top / ROW) - OVER);
  const last = Math.min(p.rows.length, Math.ceil((view.top + view.height) / ROW) + OVER);
  useEffect(() => {
    if (p.onEnd && p.rows.length && last >= p.rows.length - OVER) p.onEnd();
  }, [last, p.rows.length]);
  function move(to: number) {
    const i = Math.max(0, Math.min(p.rows.length - 1, to));
    setActive(i);
    const el = box.current!, y = i * ROW, head = ROW;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + ROW + head > el.scrollTop + el.clientHeight)
      el.scrollTop = y + ROW + head - el.clientHeight;
  }
  function key(e: KeyboardEvent) {
    if (e.target !== box.current) return;
    const page = Math.max(1, Math.floor(view.height / ROW) - 2);
    const step: Record<string, number> = { ArrowDown: active + 1, ArrowUp: active - 1,
      PageDown: active + page, PageUp: active - page, Home: 0, End: p.rows.length - 1 };
    if (e.key === 'Enter') {
      const to = p.rows[active] && p.rowHref?.(p.rows[active]!);
      if (to) go(to);
    } else if (e.key in step) {
      move(step[e.key]!);
    } else {
      return;
    }
    e.preventDefault();
  }
  const rowOf = (row: Row, i: number) => {
    const k = p.rowKey(row), to = p.rowHref?.(row);
    const cls = `t-row ${p.rowClass?.(row) ?? ''} ${to ? 'link' : ''}` +
      `${i === active ? ' active' : ''}${k === p.selected ? ' selected' : ''}`;
    return <div key={k} role="row" aria-rowindex={i + 2} class={cls} id={`r${i}`}
      style={style}
      onClick={(e) => {
        const inside = (e.target as Element).closest('a, button, input');
        if (to && !inside && !String(getSelection() ?? '')) go(to);
      }}>
      {columns.map((c, at) => {
        const text = c.show ? c.show(row) : raw(c, row) as ComponentChildren;
        const shown = text === null || text === undefined || text === '' ? T.none : text;
        return <div key={c.key} role="cell" class={c.right ? 't-cell right' : 't-cell'}
          title={c.title2?.(row)}>
          {at === 0 && to ? <a href={to} tabIndex={-1}>{shown}</a> : shown}</div>;
      })}
    </div>;
  };
  return <div class="table" ref={box} tabIndex={0} role="table" aria-label={p.label}
    aria-rowcount={(p.total ?? p.rows.length) + 1} onKeyDown={key}
    style={p.maxHeight ? { maxHeight: `${p.maxHeight}px` } : undefined}>
    <div class="t-rowgroup" role="rowgroup">
      <Heads columns={columns} sort={p.sort} onSort={p.onSort} style={style} /></div>
    {p.rows.length === 0
      ? <div class="t-empty">{p.empty ?? T.table.nothing}</div>
      : <div class="t-body" role="rowgroup" style={{ height: `${p.rows.length * ROW}px` }}>
        <div class="t-slice" style={{ transform: `translateY(${first * ROW}px)` }}>
          {p.rows.slice(first, last).map((row, i) => rowOf(row, first + i))}
        </div>
      </div>}
  </div>;
}
