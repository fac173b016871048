// A page's list: a filter box and a table over a list of the API.  Filter and order stand in the
// address, so a link shows the same list.  `local`: the path has no list engine (or gives few
// rows); the browser filters by words and sorts.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ROOT, url, type Params } from '../api';
import { count } from '../format';
import { useResource } from '../resource';
import { place, setQuery } from '../route';
import { T } from '../strings';
import type { List } from '../types';
import { ErrorBox, Loading } from './layout';
import { sortRows, Table, type Column, type TableProps } from './table';

const FIRST = 300, MOST = 50_000, MORE = 5;

/** The filter box: Enter or a pause asks; what the API says against it stands below. */
export function FilterBox({ value, set, hint, error }: {
  value: string; set: (text: string) => void; hint?: string; error?: string;
}) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(value), [value]);
  const later = (t: string) => {
    setText(t);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set(t.trim()), 600);
  };
  const now = (t: string) => {
    clearTimeout(timer.current);
    setText(t);
    set(t.trim());
  };
  return <form class="filter" onSubmit={(e) => { e.preventDefault(); now(text); }}>
    <label class="sr" for="filter">{T.table.filter}</label>
    <input id="filter" class="input mono" type="search" spellcheck={false} autocomplete="off"
      placeholder={hint ?? T.table.filterHint} value={text} title={T.table.grammar}
      aria-invalid={error ? true : undefined} aria-describedby={error ? 'filter-error' : undefined}
      onInput={(e) => later(e.currentTarget.value)} />
    {text && <button type="button" class="icon-button" aria-label={T.table.clear}
      onClick={() => now('')}>✕</button>}
    {error && <p class="filter-error" id="filter-error" role="alert">{error}. {T.table.grammar}</p>}
  </form>;
}

export interface ListTableProps<Row> extends
  Pick<TableProps<Row>, 'label' | 'columns' | 'rowKey' | 'rowHref' | 'rowClass' | 'maxHeight'> {
  path: string;
  params?: Params;               // fixed ones: {all: 1}
  defaultSort?: string;
  defaultFilter?: string;
  filterHint?: string;
  local?: boolean;
  tools?: ComponentChildren;     // beside the filter box: chips, buttons
  empty?: ComponentChildren;     // when there is nothing at all
  /** Said to whoever wants to show sums over the rows. */
  onData?: (doc: List<Row>) => void;
}

/** Words that each must stand somewhere in the row. */
function hasWords<Row>(row: Row, words: string[]): boolean {
  const text = Object.values(row as Record<string, unknown>).join(' ').toLowerCase();
  return words.every((w) => text.includes(w));
}

export function ListTable<Row>(p: ListTableProps<Row>) {
  const q = place.value.query;
  const filter = (q.filter ?? p.defaultFilter ?? '').trim();
  const sort = q.sort ?? p.defaultSort ?? '';
  const [limit, setLimit] = useState(FIRST);
  useEffect(() => setLimit(FIRST), [p.path, filter, sort]);
  const asked: Params = p.local ? { ...p.params } : { ...p.params, filter, sort, limit };
  const r = useResource<List<Row>>(p.path, asked);
  useEffect(() => { if (r.data) p.onData?.(r.data); }, [r.data]);
  const all = r.data?.rows ?? [];
  const rows = useMemo(() => {
    if (!p.local) return all;
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const some = words.length ? all.filter((row) => hasWords(row, words)) : all;
    return sort ? sortRows(some, p.columns as Column<Row>[], sort) : some;
  }, [all, p.local, filter, sort, p.columns]);
  const total = p.local ? all.length : r.data?.total ?? all.length;
  const badFilter = r.error && r.error.status < 500 && r.error.status > 0 && filter !== '' &&
    !p.local;
  const more = () => { if (!p.local && r.data?.next && limit < MOST) setLimit(limit * MORE); };
  return <div class="list">
    <div class="list-bar">
      <FilterBox value={filter} hint={p.local ? T.table.filterWords : p.filterHint}
        error={badFilter ? r.error!.message : undefined}
        set={(t) => setQuery({ filter: t === (p.defaultFilter ?? '') ? null : t || ' ' })} />
      {p.tools}
      <span class="list-count" role="status">
        {r.data ? T.table.rows(count(rows.length), count(total)) : ''}</span>
      {!p.local && <a class="quiet" title={T.table.csvTitle} download
        href={url(p.path, { ...p.params, filter, sort, limit: MOST, format: 'csv' })}>
        {T.table.csv}</a>}
    </div>
    {r.error && !badFilter && <ErrorBox error={r.error} retry={r.reload} />}
    {r.loading ? <Loading /> : r.data && <Table label={p.label} columns={p.columns} rows={rows}
      rowKey={p.rowKey} rowHref={p.rowHref} rowClass={p.rowClass} sort={sort} total={total}
      maxHeight={p.maxHeight} onSort={(s) => setQuery({ sort: s })} onEnd={more}
      empty={filter ? T.table.noMatch : p.empty} />}
    {!!r.data?.left_out && <p class="dim">{T.table.leftOut(count(r.data.left_out))}</p>}
  </div>;
}

/** The path of the API behind a list, to copy from. */
export const apiPath = (path: string) => ROOT + path;
