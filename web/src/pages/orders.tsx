// Work orders as a technician walks them: by place, stuck ones first, with big buttons.
import { useState } from 'preact/hooks';
import { may } from '../api';
import { Cost } from '../components/cost';
import { EmptyState, ErrorBox, Loading, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { chosen, Tabs } from '../components/tabs';
import { siteNow } from '../feed';
import { ago, count, placeName, span, timeMs } from '../format';
import { useResource } from '../resource';
import { href, place, setQuery } from '../route';
import { P } from '../strings-pages';
import type { List } from '../types';
import type { Order } from '../types-pages';
import { DoneDialog, tellOrder } from './order-done';
import { byMachine, byPlace, isOf } from './orders-sort';

const O = P.orders;
const LIMIT = 2000;
const begun = (o: Order) => o.state.includes('begun');

function Late({ o }: { o: Order }) {
  const due = timeMs(o.deadline), now = siteNow.value;
  if (due === null || !now) return null;
  return <span class={now > due ? 'bad' : 'dim'}>{now > due ? O.late(span(now - due)) : O.due(ago(due, now))}</span>;
}

function OrderCard({ o, open, done }: { o: Order; open: boolean; done: (failed: boolean) => void }) {
  const [busy, setBusy] = useState(false);
  const mine = may('orders') && !byMachine(o);
  async function take() {
    setBusy(true);
    await tellOrder({ verb: 'order-taken', ref: o.order }, O.taken(o.order));
    setBusy(false);
  }
  return <li class={`order ${o.stuck ? 'stuck' : ''} ${open ? 'open' : ''}`} id={`o${o.order}`}>
    <div class="order-head">
      <Badge word={o.stuck ? 'stuck' : begun(o) ? 'repairing' : 'open'} text={O.state[o.state] ?? o.state} />
      <Late o={o} />
      <a class="dim" href={href('orders', [o.order])}>#{o.order}</a>
    </div>
    <p class="order-do"><b>{o.do}</b>{o.part && <> {O.with} <span class="tag">{o.part}</span></>}</p>
    <p class="order-on mono">{o.component ?? '–'}{o.serial && <span class="dim"> · {o.serial}</span>}</p>
    <dl class="order-facts">
      <div><dt>{O.seen}</dt><dd>{o.evidence ?? o.class}{' '}
        <a href={href('incidents', [o.incident])}>{O.incident(o.incident)}</a></dd></div>
      {o.tools && o.tools !== 'none' && <div><dt>{O.tools}</dt><dd>{o.tools}</dd></div>}
      <div><dt>{O.stake}</dt><dd><Cost uusd={o.stake_uusd_per_hour} basis={o.rests_on}
        def="stake_uusd_per_hour" about={`incident:${o.incident}`} /> {O.anHour}
        {o.symptoms > 0 && <span class="dim"> · {O.symptoms(o.symptoms)}</span>}</dd></div>
      <div><dt>{O.who}</dt><dd>{O.whoIs[o.who] ?? o.who}{' · '}{O.age(span(o.age_ms))}
        {o.level > 0 && <span class="warn"> · {O.escalated(o.level)}</span>}</dd></div>
    </dl>
    {mine && <div class="order-buttons">
      {!begun(o) && <button type="button" class="button" disabled={busy} onClick={take}>{O.take}</button>}
      <button type="button" class="button primary" onClick={() => done(false)}>{O.done}</button>
      <button type="button" class="button danger" onClick={() => done(true)}>{O.failed}</button>
    </div>}
  </li>;
}

const WHO = [{ id: '', text: O.people }, { id: 'vendor', text: O.vendor }, { id: 'machine', text: O.machines },
  { id: 'all', text: O.all }];

const PLACES_SHOWN = 40;

function Board({ rows, one, more }: { rows: Order[]; one: number | null; more: () => void }) {
  const [shown, show] = useState(PLACES_SHOWN);
  const [over, setOver] = useState<{ o: Order; failed: boolean } | null>(null);
  const places = byPlace(rows);
  return <>
    <div class="order-places">{places.slice(0, shown).map((p) => <section key={p.name} class="order-place">
      <h2 title={p.name}>{placeName(p.name) || O.noPlace} <span class="dim">{count(p.rows.length)}</span>
        {p.stuck > 0 && <Badge word="stuck" text={O.stuckHere(p.stuck)} />}</h2>
      <ul class="orders">{p.rows.map((o) => <OrderCard key={o.order} o={o} open={o.order === one}
        done={(failed) => setOver({ o, failed })} />)}</ul>
    </section>)}</div>
    {places.length > shown && <p class="more"><button type="button" class="button"
      onClick={() => show(shown + PLACES_SHOWN)}>{O.morePlaces(places.length - shown)}</button></p>}
    {over && <DoneDialog o={over.o} failed={over.failed} close={() => setOver(null)} saved={more} />}
  </>;
}

export function Orders({ id }: { id?: string }) {
  const r = useResource<List<Order>>('/orders', { limit: LIMIT });
  const who = chosen('who', WHO), text = (place.value.query.filter ?? '').trim().toLowerCase();
  const one = id ? Number(id) : null;
  const all = r.data?.rows ?? [];
  const rows = one !== null ? all.filter((o) => o.order === one)
    : all.filter((o) => isOf(o, who) && (!text || [o.place, o.component, o.part, o.do, o.order, o.serial]
      .join(' ').toLowerCase().includes(text)));
  const stuck = rows.filter((o) => o.stuck).length;
  return <Page title={one !== null ? O.one(one) : O.title}
    sub={r.data && (one !== null ? <a href={href('orders')}>{O.allOrders}</a>
      : <span>{O.sum(count(rows.length), stuck)}</span>)}>
    {one === null && <div class="list-bar">
      <input class="input order-search" type="search" value={place.value.query.filter ?? ''}
        placeholder={O.search} aria-label={O.search}
        onInput={(e) => setQuery({ filter: e.currentTarget.value })} />
      <Tabs name="who" choices={WHO} label={O.whose} /></div>}
    {r.error && <ErrorBox error={r.error} retry={r.reload} />}
    {r.loading ? <Loading /> : rows.length === 0
      ? <EmptyState title={one !== null ? O.over(one) : O.none}>{one !== null
        ? <a href={href('events', [one])}>{O.overDo}</a> : all.length > 0 ? O.noneFilter : O.noneDo}</EmptyState>
      : <Board rows={rows} one={one} more={r.reload} />}
  </Page>;
}
