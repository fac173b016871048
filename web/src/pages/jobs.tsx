// Jobs: those that run or wait, or all of the record.
import { Badge } from '../components/marks';
import { ListTable } from '../components/list';
import { Page } from '../components/layout';
import { Num } from '../components/number';
import { chosen, Tabs } from '../components/tabs';
import type { Column } from '../components/table';
import { siteNow } from '../feed';
import { count, share, span, time, until } from '../format';
import { href, place, setQuery } from '../route';
import { P } from '../strings-pages';
import type { Job } from '../types';

const J = P.jobs;

const donePpm = (j: Job) => j.work_ms && j.progress_ms !== null ? (j.progress_ms / j.work_ms) * 1e6 : null;

function Done({ j }: { j: Job }) {
  const ppm = donePpm(j);
  if (ppm === null || j.state === 'queued') return null;
  return <span class="meter" title={span(j.progress_ms)}>
    <i><b style={{ width: `${Math.min(100, ppm / 1e4)}%` }} /></i>{share(ppm, 0)}</span>;
}

const LIVE: Column<Job>[] = [
  { key: 'job', title: J.job, width: 50, grow: 1, keep: 1, title2: (j) => j.name ?? undefined,
    show: (j) => j.name ? <>{j.job} <span class="dim">{j.name}</span></> : j.job },
  { key: 'state', title: J.state, width: 84, keep: 1, show: (j) => <Badge word={j.state} /> },
  { key: 'tenant', title: J.tenant, width: 66, keep: 4 },
  { key: 'gpus', title: J.gpus, width: 50, right: true, keep: 2, show: (j) => count(j.gpus) },
  { key: 'nodes', title: J.nodes, width: 56, right: true, keep: 5, show: (j) => count(j.nodes) },
  { key: 'priority', title: J.priority, width: 64, right: true, keep: 5 },
  { key: 'attempt', title: J.attempt, width: 70, right: true, keep: 5 },
  { key: 'progress_ms', title: J.progress, width: 96, keep: 2, show: (j) => <Done j={j} /> },
  { key: 'unsaved_ms', title: J.unsaved, width: 92, right: true, keep: 3,
    show: (j) => j.unsaved_ms === null ? <></> : <Num basis="modelled" def="unsaved_ms">{span(j.unsaved_ms)}</Num> },
  { key: 'expected_end', title: J.end, width: 116, right: true, keep: 3,
    title2: (j) => time(j.expected_end),
    show: (j) => j.expected_end ? <Num basis="modelled" def="expected_end">
      {until(j.expected_end, siteNow.value)}</Num> : <></> },
  { key: 'risk', title: J.risk, width: 170, grow: 4, keep: 2, title2: (j) => j.risk ?? undefined,
    show: (j) => j.risk ? <span class="warn">{j.risk}</span> : <></> },
];

const ALL: Column<Job>[] = [...LIVE.slice(0, 7),
  { key: 'submitted', title: J.submitted, width: 128, keep: 4, show: (j) => time(j.submitted) },
  { key: 'started', title: J.started, width: 128, keep: 3, show: (j) => time(j.started) },
  { key: 'ended', title: J.ended, width: 128, keep: 2,
    show: (j) => time((j as Job & { ended?: string | null }).ended) },
  { key: 'progress_ms', title: J.work, width: 90, right: true, keep: 3, show: (j) => span(j.progress_ms) },
];

const WHICH = [{ id: '', text: J.live }, { id: 'all', text: J.all }];
const QUICK = [['running', 'state=running'], ['queued', 'state=queued'], ['risk', 'risk!=null']] as const;

export function Jobs() {
  const which = chosen('show', WHICH), filter = place.value.query.filter;
  return <Page title={J.title}>
    <ListTable<Job> path="/jobs" params={which ? { all: 1 } : undefined} label={J.title} key={which}
      columns={which ? ALL : LIVE} defaultSort={which ? '-job' : ''} filterHint={J.filterHint}
      rowKey={(j) => j.job} rowHref={(j) => href('jobs', [j.job])} empty={J.none}
      tools={<>
        <Tabs name="show" choices={WHICH} label={J.which} also={{ filter: null, sort: null }} />
        {!which && <div class="chips">{QUICK.map(([word, f]) => <button key={word} type="button"
          class={filter === f ? 'chip on' : 'chip'} aria-pressed={filter === f}
          onClick={() => setQuery({ filter: filter === f ? null : f })}>{J.quick[word]}</button>)}</div>}
      </>} />
  </Page>;
}
