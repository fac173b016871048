// The audit log: who asked for what and what came of it, newest first.
import { Badge } from '../components/marks';
import { ListTable } from '../components/list';
import { Page } from '../components/layout';
import type { Column } from '../components/table';
import { shortTime, time } from '../format';
import { href } from '../route';
import { P } from '../strings-pages';
import type { AuditRow } from '../types-pages';

const A = P.audit;

const COLUMNS: Column<AuditRow>[] = [
  { key: 'time', title: A.time, width: 96, keep: 1, title2: (r) => time(r.time, true),
    show: (r) => shortTime(r.time, null) },
  { key: 'who', title: A.who, width: 70, grow: 1, keep: 1, show: (r) => r.who || A.nobody },
  { key: 'detail', title: A.what, width: 130, grow: 4, keep: 1, title2: (r) => r.detail ?? undefined,
    show: (r) => <Badge word={r.status < 400 ? 'passed' : 'failed'} 
      text={r.detail || A.did[r.route ?? ''] || (r.target ?? '')} /> },
  { key: 'status', title: A.result, width: 90, keep: 2,
    show: (r) => r.status < 400 ? A.done : A.refused(r.status) },
  { key: 'target', title: A.target, width: 150, grow: 2, keep: 4 },
  { key: 'via', title: A.via, width: 70, keep: 4 },
  { key: 'seq', title: A.event, width: 70, right: true, keep: 3, show: (r) => r.seq
    ? <a href={href('events', [r.seq])}>{r.seq}</a> : <></> },
  { key: 'left_out', title: A.leftOut, width: 70, right: true, keep: 5, show: (r) => r.left_out || <></> },
];

export function Audit() {
  return <Page title={A.title} sub={<span>{A.sub}</span>}>
    <ListTable<AuditRow> path="/audit" params={{ limit: 1000 }} label={A.title} columns={COLUMNS} local
      rowKey={(r) => r.n} empty={A.none} />
  </Page>;
}
