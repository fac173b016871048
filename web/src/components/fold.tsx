// A list that shows its first rows and the others when asked.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { count } from '../format';
import { P } from '../strings-pages';

export function Fold<Row>({ rows, most = 10, children }: {
  rows: Row[]; most?: number; children: (shown: Row[]) => ComponentChildren;
}) {
  const [all, setAll] = useState(false);
  return <>
    {children(all ? rows : rows.slice(0, most))}
    {rows.length > most && <p class="more"><button type="button" class="button small"
      aria-expanded={all} onClick={() => setAll(!all)}>
      {all ? P.fold.fewer : P.fold.all(count(rows.length))}</button></p>}
  </>;
}
