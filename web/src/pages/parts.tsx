// Spares and parts: spare nodes and why so many, parts in store, what repairs are worth, lemons.
import { Basis } from '../components/basis';
import { Badge } from '../components/marks';
import { Await, Card, EmptyState, Page } from '../components/layout';
import { ListTable } from '../components/list';
import { BigNumber, Num } from '../components/number';
import { chosen, Tabs } from '../components/tabs';
import type { Column } from '../components/table';
import { siteNow } from '../feed';
import { count, share, span, time, until, usd } from '../format';
import { useResource } from '../resource';
import { href } from '../route';
import { P } from '../strings-pages';
import type { List } from '../types';
import type { LemonRow, OddsRow, PartRow, SpareRow } from '../types-pages';

const S = P.parts;

/** How the number came to be: n nodes, how often one goes, how long it is away. */
function WhySpares({ s }: { s: SpareRow }) {
  const perYear = s.rate_per_1e9_node_hours === null ? null : (s.rate_per_1e9_node_hours / 1e9) * 24 * 365;
  return <Card title={S.why(s.kept)} tools={s.sized_seq
    ? <a href={href('events', [s.sized_seq])}>{S.decision}</a> : null}>
    <ol class="because">
      <li><b><Num basis={s.rests_on} def="spares.rate_per_1e9_node_hours">
        {perYear === null ? '–' : perYear.toFixed(1)}</Num></b>
        <span>{S.rate(count(s.outs))}</span></li>
      <li><b><Num basis={s.rests_on} def="spares.repair_ms">{span(s.repair_ms)}</Num></b>
        <span>{S.repair(count(s.repairs))}</span></li>
      <li><b><Num basis={s.rests_on} def="spares.expected_ppm">
        {s.expected_ppm === null ? '–' : (s.expected_ppm / 1e6).toFixed(1)}</Num></b>
        <span>{S.expected(count(s.nodes))}</span></li>
      <li><b><Num basis="policy" def="spares.quantile_ppm">{share(s.quantile_ppm, 0)}</Num></b>
        <span>{S.quantile}</span></li>
      {!!s.domain && <li><b>{count(s.domain)}</b><span>{S.domain}</span></li>}
      <li class="sum"><b>{count(s.kept)}</b><span>{S.rule(s.rule)} <Basis of={s.rests_on} /></span></li>
    </ol>
  </Card>;
}

function Spares() {
  const r = useResource<List<SpareRow>>('/spares');
  const rests = r.data?.rests_on;
  return <Await of={r}>{(d) => d.rows.length === 0
    ? <EmptyState title={S.sparesNone}>{S.sparesNoneDo}</EmptyState>
    : <>{d.rows.map((s, i) => <div class="cols" key={i}>
      <div class="stack">
        <div class="four three">
          <BigNumber label={S.kept} def="spares_kept" basis={rests?.kept ?? s.rests_on}
            events={{ kind: 'spares.sized' }} sub={S.keptSub(count(s.nodes))}>{count(s.kept)}</BigNumber>
          <BigNumber label={S.free} def="spares.free" basis={rests?.free}
            tone={s.free === 0 && s.kept > 0 ? 'warn' : 'good'}
            sub={s.free === 0 && s.kept > 0 ? S.freeNone : S.freeSub}>{count(s.free)}</BigNumber>
          <BigNumber label={S.lent} def="spares.lent" basis={rests?.lent} sub={S.lentSub}>{count(s.lent)}</BigNumber>
        </div>
        <Card title={S.means}><p>{S.meansText}</p></Card>
      </div>
      <WhySpares s={s} /></div>)}</>}</Await>;
}

const PARTS: Column<PartRow>[] = [
  { key: 'part', title: S.part, width: 96, grow: 1, keep: 1 },
  { key: 'stock', title: S.stock, width: 66, grow: .5, keep: 1, show: (p) => p.stock === null ? S.endless
    : p.stock < 0 ? <span class="bad">{S.owed(-p.stock)}</span>
      : p.stock < p.least ? <span class="warn">{S.low(p.stock)}</span> : count(p.stock) },
  { key: 'coming', title: S.coming, width: 54, right: true, keep: 2, show: (p) => p.coming || <></> },
  { key: 'due', title: S.due, width: 78, grow: .4, keep: 2, title2: (p) => time(p.due),
    show: (p) => p.due ? <Num basis="modelled" def="parts.due">{until(p.due, siteNow.value)}</Num> : <></> },
  { key: 'least', title: S.least, width: 90, right: true, keep: 4 },
  { key: 'batch', title: S.batch, width: 80, right: true, keep: 5 },
  { key: 'lead_ms', title: S.lead, width: 100, right: true, keep: 4, show: (p) => span(p.lead_ms) },
  { key: 'cost_uusd', title: S.cost, width: 90, right: true, keep: 3,
    show: (p) => <Num basis="policy" def="parts.cost_uusd">{usd(p.cost_uusd)}</Num> },
];

const ODDS: Column<OddsRow>[] = [
  { key: 'class', title: S.class, width: 60, grow: 1, keep: 1 },
  { key: 'step', title: S.step, width: 124, grow: 1, keep: 1, show: (o) => P.steps.step[o.step] ?? o.step },
  { key: 'who', title: S.who, width: 100, keep: 4 },
  { key: 'odds_ppm', title: S.odds, width: 66, right: true, keep: 1,
    show: (o) => <Num basis={o.rests_on} def="odds.odds_ppm">{share(o.odds_ppm, 0)}</Num> },
  { key: 'seen', title: S.tried, width: 84, right: true, keep: 2, show: (o) => count(o.seen) },
  { key: 'held', title: S.held, width: 84, right: true, keep: 2, show: (o) => count(o.held) },
  { key: 'prior_ppm', title: S.prior, width: 100, right: true, keep: 4,
    show: (o) => <Num basis="policy" def="odds.prior_ppm">{share(o.prior_ppm, 0)}</Num> },
  { key: 'weight', title: S.weight, width: 84, right: true, keep: 5 },
];

const LEMONS: Column<LemonRow>[] = [
  { key: 'node', title: S.node, width: 112, grow: 1, keep: 1 },
  { key: 'verdict', title: S.verdict, width: 82, keep: 1, show: (l) => <Badge
    word={l.verdict === 'lemon' ? 'down' : l.verdict === 'watched' ? 'suspect' : 'busy'} text={l.verdict} /> },
  { key: 'past', title: S.speaks, width: 150, grow: 1, keep: 2 },
  { key: 'health', title: S.health, width: 96, keep: 4 },
  { key: 'hazard', title: S.hazard, width: 80, right: true, keep: 3,
    show: (l) => l.hazard ? <Num basis="modelled" def="hazard">{count(l.hazard)}</Num> : <></> },
  { key: 'refaults', title: S.refaults, width: 80, right: true, keep: 3 },
  { key: 'findings', title: S.findings, width: 80, right: true, keep: 4 },
  { key: 'tickets', title: S.tickets, width: 80, right: true, keep: 5 },
  { key: 'out_hours', title: S.outHours, width: 90, right: true, keep: 4,
    show: (l) => l.out_hours ? span(l.out_hours * 36e5) : <></> },
  { key: 'yearly_uusd', title: S.yearly, width: 80, right: true, keep: 1,
    show: (l) => l.yearly_uusd ? <Num basis="modelled" def="lemons.yearly_uusd" events={{ about: l.node }}>
      {usd(l.yearly_uusd, true)}</Num> : <></> },
];

const TABS = [{ id: '', text: S.tabSpares }, { id: 'parts', text: S.tabParts },
  { id: 'odds', text: S.tabOdds }, { id: 'lemons', text: S.tabLemons }];

export function Parts() {
  const tab = chosen('tab', TABS);
  return <Page title={S.title} sub={<Tabs name="tab" choices={TABS} label={S.title}
    also={{ filter: null, sort: null }} />}>
    {tab === '' && <Spares />}
    {tab === 'parts' && <ListTable<PartRow> key={tab} path="/parts" label={S.tabParts} columns={PARTS}
      local rowKey={(p) => p.part} empty={S.partsNone} defaultSort="stock" />}
    {tab === 'odds' && <><p class="dim">{S.oddsText}</p><ListTable<OddsRow> key={tab} path="/odds"
      label={S.tabOdds} columns={ODDS} local rowKey={(o) => `${o.class}/${o.step}`} empty={S.oddsNone} /></>}
    {tab === 'lemons' && <><p class="dim">{S.lemonsText}</p><ListTable<LemonRow> key={tab} path="/lemons"
      label={S.tabLemons} columns={LEMONS} local rowKey={(l) => l.node} defaultSort="-yearly_uusd"
      rowHref={(l) => href('nodes', [l.node])} empty={S.lemonsNone} /></>}
  </Page>;
}
