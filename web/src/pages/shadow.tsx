// The shadow report: where this program would have withdrawn nodes, beside what the team did.
import { Badge } from '../components/marks';
import { Await, EmptyState, Page } from '../components/layout';
import { BigNumber } from '../components/number';
import { Table, sortRows, type Column } from '../components/table';
import { chosen, Tabs } from '../components/tabs';
import { count, gpuHours, shortTime, span, time } from '../format';
import { useResource } from '../resource';
import { href, place, setQuery } from '../route';
import { T } from '../strings';
import { P } from '../strings-pages';
import type { ShadowReport, ShadowRow, ShadowSide } from '../types-pages';

const S = P.shadow;
const WORD: Record<string, string> = { confirmed: 'passed', 'false-drain': 'failed', miss: 'suspect',
  planned: 'held', unjudged: 'unknown' };

const side = (s: ShadowSide | null) => !s ? <></> : S.lasted(shortTime(s.begin, null),
  s.end ? span(Date.parse(s.end) - Date.parse(s.begin)) : S.still);

const COLUMNS: Column<ShadowRow>[] = [
  { key: 'node', title: S.node, width: 112, grow: 1, keep: 1 },
  { key: 'group', title: S.group, width: 100, keep: 2, show: (r) => S.groups[r.group] ?? r.group },
  { key: 'verdict', title: S.verdict, width: 104, keep: 1, show: (r) => r.verdict && r.verdict !== '-'
    ? <Badge word={WORD[r.verdict]} text={S.verdicts[r.verdict] ?? r.verdict} /> : <></> },
  { key: 'ours', title: S.ours, width: 200, keep: 3, value: (r) => r.ours?.begin, show: (r) => side(r.ours),
    title2: (r) => r.ours ? time(r.ours.begin) : undefined },
  { key: 'theirs', title: S.theirs, width: 200, keep: 3, value: (r) => r.theirs?.begin,
    show: (r) => side(r.theirs) },
  { key: 'lead_s', title: S.lead, width: 90, right: true, keep: 2,
    show: (r) => r.lead_s === null ? <></> : span(r.lead_s * 1000) },
  { key: 'evidence', title: S.evidence, width: 150, grow: 2, keep: 2, show: (r) => r.evidence || r.reason || <></>,
    title2: (r) => r.evidence || r.reason || undefined },
  { key: 'incident', title: S.incident, width: 80, right: true, keep: 4,
    show: (r) => r.incident ? <a href={href('incidents', [r.incident])}>{r.incident}</a> : '' },
];

const GROUPS = [{ id: '', text: S.all }, { id: 'same', text: S.groups.same! },
  { id: 'ours', text: S.groups.ours! }, { id: 'theirs', text: S.groups.theirs! }];

function Rows({ d }: { d: ShadowReport }) {
  const group = chosen('group', GROUPS), sort = place.value.query.sort ?? '';
  const rows = d.rows.filter((r) => !group || r.group === group);
  return <div class="list">
    <div class="list-bar"><h2>{S.withdrawals}</h2><Tabs name="group" choices={GROUPS} label={S.group} />
      <span class="list-count">{T.table.rows(count(rows.length), count(d.rows.length))}</span></div>
    <Table<ShadowRow> label={S.withdrawals} columns={COLUMNS} rows={sort ? sortRows(rows, COLUMNS, sort) : rows}
      rowKey={(r) => `${r.node}/${r.ours?.seq ?? 0}/${r.theirs?.seq ?? 0}`} sort={sort}
      onSort={(s) => setQuery({ sort: s })} rowHref={(r) => href('nodes', [r.node])} empty={S.noneGroup} />
  </div>;
}

export function Shadow() {
  const r = useResource<ShadowReport>('/shadow', undefined, { everyMs: 60_000 });
  return <Page title={S.title} sub={<span>{S.sub}</span>}>
    <Await of={r}>{(d) => d.rows.length === 0
      ? <EmptyState title={S.none}>{S.noneDo}</EmptyState>
      : <><div class="four">
        <BigNumber label={S.first} def="shadow.ours_first" basis="record" tone="good"
          sub={S.firstSub(count(d.theirs_first))}>{count(d.ours_first)}</BigNumber>
        <BigNumber label={S.confirmed} def="shadow.confirmed" basis="record"
          sub={S.confirmedSub(count(d.groups.ours?.withdrawals))}>{count(d.confirmed)}</BigNumber>
        <BigNumber label={S.false} def="shadow.false_drains" basis="record" tone={d.false_drains ? 'warn' : 'good'}
          sub={S.falseSub}>{count(d.false_drains)}</BigNumber>
        <BigNumber label={S.misses} def="shadow.misses" basis="record" tone={d.misses ? 'warn' : 'good'}
          sub={S.missesSub(count(d.planned))}>{count(d.misses)}</BigNumber>
      </div>
      <p class="dim">{S.text(d.from ? time(d.from) : S.fromStart, time(d.to), span(d.window_s * 1000),
        gpuHours(Object.values(d.groups).reduce((n, g) => n + g.ours_gpu_ms, 0)),
        gpuHours(Object.values(d.groups).reduce((n, g) => n + g.theirs_gpu_ms, 0)))}</p>
      <Rows d={d} /></>}</Await>
  </Page>;
}
