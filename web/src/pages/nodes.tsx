// Nodes: a list with the API's filter language, and the questions most asked as one click.
import { Badge } from '../components/marks';
import { ListTable } from '../components/list';
import { Page } from '../components/layout';
import { Num } from '../components/number';
import { Cost } from '../components/cost';
import type { Column } from '../components/table';
import { count, watts } from '../format';
import { HereStrip } from './machines';
import { href, place, setQuery } from '../route';
import { P } from '../strings-pages';
import type { Node } from '../types';

const N = P.nodes;

const COLUMNS: Column<Node>[] = [
  { key: 'name', title: N.name, width: 112, grow: 1, keep: 1 },
  { key: 'state', title: N.state, width: 92, keep: 1, show: (n) => <Badge word={n.state} /> },
  { key: 'health', title: N.health, width: 96, keep: 3 },
  { key: 'job', title: N.job, width: 60, keep: 3, show: (n) => n.job === null ? <></> :
    <a href={href('jobs', [n.job])}>{n.job}</a> },
  { key: 'tenant', title: N.tenant, width: 56, keep: 5, show: (n) => n.tenant ?? <></> },
  { key: 'incident', title: N.incident, width: 90, grow: .6, keep: 2, show: (n) => n.incident === null ? <></> :
    <a href={href('incidents', [n.incident])}>{n.incident} {n.class}</a> },
  { key: 'holds', title: N.holds, width: 56, right: true, keep: 4, show: (n) => n.holds || <></> },
  { key: 'hazard', title: N.hazard, width: 76, right: true, keep: 4, title2: () => N.hazardAbout,
    show: (n) => n.hazard ? <Num basis="modelled" def="hazard">{count(n.hazard)}</Num> : <></> },
  { key: 'lost_uusd', title: N.lost, width: 88, right: true, keep: 3,
    show: (n) => n.lost_uusd ? <Cost uusd={n.lost_uusd} basis="modelled" def="lost_uusd" about={n.name} /> : <></> },
  { key: 'rack', title: N.rack, width: 110, keep: 4 },
  { key: 'hall', title: N.hall, width: 62, keep: 5 },
  { key: 'gpus', title: N.gpus, width: 56, right: true, keep: 5 },
  { key: 'model', title: N.model, width: 100, keep: 5 },
  { key: 'power_w', title: N.power, width: 76, right: true, keep: 5, show: (n) => watts(n.power_w) },
];

/** The questions of a shift, as filters of the API. */
const QUICK: [keyof typeof N.quick, string][] = [
  ['unwell', 'health!=ready'], ['incident', 'incident!=null'], ['held', 'holds>0'],
  ['free', 'schedulable=true'], ['repairing', 'health=repairing'], ['risky', 'hazard>0'],
];

export function Nodes() {
  const filter = place.value.query.filter ?? '';
  return <Page title={N.title}>
    <HereStrip />
    <ListTable<Node> path="/nodes" label={N.title} columns={COLUMNS} defaultSort="name"
      rowKey={(n) => n.name} rowHref={(n) => href('nodes', [n.name])} empty={N.none}
      filterHint={N.filterHint}
      tools={<div class="chips">{QUICK.map(([word, f]) => <button key={word} type="button"
        class={filter === f ? 'chip on' : 'chip'} aria-pressed={filter === f}
        onClick={() => setQuery({ filter: filter === f ? null : f })}>{N.quick[word]}</button>)}</div>} />
  </Page>;
}
