// Incidents: open ones, the dearest first; with their symptoms; closed ones.
import { Badge } from '../components/marks';
import { Num } from '../components/number';
import { ListTable } from '../components/list';
import { Page } from '../components/layout';
import { Tabs, chosen } from '../components/tabs';
import type { Column } from '../components/table';
import { Cost } from '../components/cost';
import { said } from '../components/said';
import { count, span, time } from '../format';
import { href, place, setQuery } from '../route';
import { P } from '../strings-pages';
import type { Incident } from '../types';

const I = P.incidents;

const NUMBER: Column<Incident> = { key: 'incident', title: I.number, width: 60, keep: 1,
  show: (r) => String(r.incident) };
const CLASS: Column<Incident> = { key: 'class', title: I.class, width: 70, keep: 1,
  show: (r) => <Badge word={r.state} text={r.class} title={r.state} /> };
const ON: Column<Incident> = { key: 'on', title: I.on, width: 92, grow: 1, keep: 1,
  title2: (r) => r.on ?? undefined };
const LOST: Column<Incident> = { key: 'lost_uusd', title: I.lost, width: 68, right: true, keep: 1,
  show: (r) => <Cost uusd={r.lost_uusd} gpuMs={r.lost_gpu_ms} basis={r.rests_on} def="lost_uusd"
    about={`incident:${r.incident}`} /> };
const SYMPTOMS: Column<Incident> = { key: 'symptoms', title: I.symptoms, width: 74, right: true,
  keep: 4, show: (r) => r.symptoms ? count(r.symptoms) : <></> };

const OPEN: Column<Incident>[] = [NUMBER, CLASS, ON,
  { key: 'next', title: I.next, width: 200, grow: 2, keep: 3, sortable: false,
    title2: (r) => said(r.next),
    show: (r) => r.advice ? <b class="warn">{I.waits}</b> : said(r.next).replace(/ \(order \d+\)$/, '') },
  { key: 'jobs', title: I.jobs, width: 36, right: true, keep: 4, sortable: false,
    value: (r) => r.jobs?.length ?? 0, show: (r) => r.jobs?.length ? count(r.jobs.length) : <></> },
  SYMPTOMS,
  { key: 'age_ms', title: I.age, width: 88, right: true, keep: 3, show: (r) => span(r.age_ms),
    title2: (r) => r.opened ? time(r.opened) : undefined },
  LOST,
  { key: 'stake_uusd_per_hour', title: I.hour, width: 70, right: true, keep: 2,
    show: (r) => <Num basis={r.rests_on} def="stake_uusd_per_hour" events={{ about: `incident:${r.incident}` }}>
      <Cost.Text uusd={r.stake_uusd_per_hour} /></Num> }];

const CLOSED: Column<Incident>[] = [NUMBER,
  { ...CLASS, show: (r) => <Badge word="closed" text={r.class} /> }, ON,
  { key: 'node', title: I.node, width: 130, keep: 4 },
  { key: 'opened', title: I.opened, width: 128, keep: 3, show: (r) => time(r.opened) },
  { key: 'closed', title: I.closed, width: 128, keep: 2, show: (r) => time(r.closed) },
  { key: 'age_ms', title: I.lasted, width: 92, right: true, keep: 3, show: (r) => span(r.age_ms) },
  LOST];

const WHICH = [{ id: '', text: I.open }, { id: 'all', text: I.all }, { id: 'closed', text: I.closedOnes }];

export function Incidents() {
  const which = chosen('show', WHICH);
  const waits = place.value.query.filter === 'advice!=null';
  const params = which === 'all' ? { all: 1 } : which === 'closed' ? { closed: 1 } : {};
  return <Page title={I.title}>
    <ListTable<Incident> path="/incidents" params={params} label={I.title} key={which}
      columns={which === 'closed' ? CLOSED : OPEN} defaultSort={which === 'closed' ? '-closed' : ''}
      rowKey={(r) => r.incident} rowHref={(r) => href('incidents', [r.incident])}
      rowClass={(r) => r.advice ? 'waits-row' : undefined}
      filterHint={I.filterHint} empty={which === 'closed' ? I.noneClosed : I.none}
      tools={<>
        <Tabs name="show" choices={WHICH} label={I.which} also={{ filter: null, sort: null }} />
        {which !== 'closed' && <button type="button" class={waits ? 'button small on' : 'button small'}
          aria-pressed={waits} onClick={() => setQuery({ filter: waits ? null : 'advice!=null' })}>
          {I.waitsForYou}</button>}
      </>} />
  </Page>;
}
