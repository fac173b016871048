// Whose orders, and in which order a person walks them.
import type { Order } from '../types-pages';

const MACHINES = new Set(['agent', 'bmc']);

/** Done by a machine: nobody walks there. */
export const byMachine = (o: Order) => MACHINES.has(o.who);

/** '': a crew's; 'vendor'; 'machine'; 'all'. */
export const isOf = (o: Order, who: string) => who === 'all' || (who === 'machine' ? byMachine(o)
  : who === 'vendor' ? o.who === 'vendor' : !byMachine(o) && o.who !== 'vendor');

export interface OrderPlace {
  name: string;                  // '' where none is known
  rows: Order[];
  stuck: number;
}

/** By rack; racks with stuck orders first, each in the order of names; inside one stuck ones first,
 * then the dearest.  What has no place comes last of its kind. */
export function byPlace(rows: Order[]): OrderPlace[] {
  const map = new Map<string, Order[]>();
  for (const o of rows) {
    const list = map.get(o.place ?? '');
    if (list) list.push(o);
    else map.set(o.place ?? '', [o]);
  }
  return [...map].map(([name, list]) => ({ name, stuck: list.filter((o) => o.stuck).length,
    rows: list.sort((a, b) => Number(b.stuck) - Number(a.stuck) ||
      b.stake_uusd_per_hour - a.stake_uusd_per_hour || a.order - b.order) }))
    .sort((a, b) => Number(b.stuck > 0) - Number(a.stuck > 0) ||
      Number(a.name === '') - Number(b.name === '') ||
      a.name.localeCompare(b.name, 'en', { numeric: true }));
}
