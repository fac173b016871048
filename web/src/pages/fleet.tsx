// Fleet: every GPU as a cell.  What is looked at (metric, zoom, place, time, selection) stands in
// the address.
import { EmptyState, ErrorBox, Loading, Page } from '../components/layout';
import { useResource } from '../resource';
import { place, setQuery } from '../route';
import { T } from '../strings';
import type { Layout } from '../types';
import { METRICS, type Metric } from './fleet-palette';
import { MapView } from './fleet-view';

const F = T.fleet;

export function Fleet() {
  const q = place.value.query;
  const at = q.at;
  const metric: Metric = at ? 'state' : METRICS.find((m) => m === q.metric) ?? 'state';
  const layout = useResource<Layout>('/fleet/layout', undefined, { everyMs: 60_000 });
  return <Page title={F.title} sub={<span class="wide-only">{F.brush}</span>} tools={
    <div class="segments" role="group" aria-label={F.metric}>
      {METRICS.map((m) => <button key={m} type="button" aria-pressed={m === metric}
        class={m === metric ? 'button on' : 'button'} disabled={!!at && m !== 'state'}
        title={at ? F.onlyState : undefined}
        onClick={() => setQuery({ metric: m === 'state' ? null : m })}>{F.metrics[m]}</button>)}
    </div>}>
    {layout.data ? layout.data.gpu_total > 0
      ? <MapView layout={layout.data} metric={metric} at={at} />
      : <EmptyState title={F.empty}>{F.emptyDo}</EmptyState>
      : layout.error ? <ErrorBox error={layout.error} retry={layout.reload} /> : <Loading />}
  </Page>;
}
