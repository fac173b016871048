// What the map shows: the bytes of a metric, and what is known of the node under the pointer.
import { useEffect, useState } from 'preact/hooks';
import { get, getBytes, url } from '../api';
import { heardNow } from '../feed';
import { useFresh } from '../resource';
import type { List, Node } from '../types';
import type { Metric } from './fleet-palette';

const EVERY_MS = 1000;       // the most often the whole map is asked for
const POINT_MS = 120;        // the pointer rests this long before a node is asked for

export interface Shown {
  bytes: Uint8Array;
  metric: Metric;
}

/** The bytes of a metric, now or at a time; a past is kept by state only. */
export function useHeat(metric: Metric, at: string | undefined, everyMs = EVERY_MS) {
  const params = { metric: at ? 'state' : metric, at };
  return useFresh<Shown>(url('/fleet/heat', params), async (signal) => {
    const r = await getBytes('/fleet/heat', params, signal);
    if (!at) heardNow(r.now);
    return { bytes: r.bytes, metric: params.metric as Metric };
  }, { live: !at, everyMs });
}

/** What the card over the map says of a node. */
export function useNode(name: string | null) {
  const [node, set] = useState<Node | null>(null);
  useEffect(() => {
    set(null);
    if (!name) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      get<List<Node>>('/nodes', { filter: `name="${name}"`, limit: 1 }, stop.signal)
        .then((d) => set(d.rows.find((r) => r.name === name) ?? null), () => {});
    }, POINT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [name]);
  return node;
}

