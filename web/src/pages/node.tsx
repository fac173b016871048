// One node: how it stands, who holds it, what it is made of, what it went through; and the commands
// that take it out of service and bring it back.
import { useState } from 'preact/hooks';
import { may, session } from '../api';
import { askCommand } from '../components/command';
import { Cost } from '../components/cost';
import { Fold } from '../components/fold';
import { Await, Card, EmptyState, Facts, Page } from '../components/layout';
import { Badge } from '../components/marks';
import { Num } from '../components/number';
import { Readings, usePolled } from '../components/readings';
import { Said } from '../components/said';
import { Timeline } from '../components/timeline';
import { siteNow } from '../feed';
import { ago, count, placeName, span, time, usd, watts } from '../format';
import { useResource } from '../resource';
import { href } from '../route';
import { P } from '../strings-pages';
import type { List } from '../types';
import type { Machine, MachineDocument } from '../types-machines';
import type { Hold, NodeDocument } from '../types-pages';
import { MachineCards } from './machine';

const N = P.node;

function Tools({ d }: { d: NodeDocument }) {
  if (!may('operate')) return null;
  const node = d.node.name;
  const ask = (verb: string, title: string, word: string) => () =>
    askCommand({ body: { verb, node }, title, word });
  return <>
    <button type="button" class="button" title={N.cordonAbout}
      onClick={ask('hold', N.cordonTitle(node), N.cordon)}>{N.cordon}</button>
    <button type="button" class="button danger" title={N.drainAbout}
      onClick={ask('drain', N.drainTitle(node), N.drain)}>{N.drain}</button>
    {d.holds.length > 0 && <button type="button" class="button primary" title={N.returnAbout}
      onClick={ask('release', N.returnTitle(node), N.return)}>{N.return}</button>}
  </>;
}

function HoldRow({ h, node }: { h: Hold; node: string }) {
  const mine = h.actor !== undefined && h.actor === session.value?.actor;
  return <li><div class="rows-main"><b>{h.reason || N.noReason}</b>
    <div class="dim small">{mine ? N.holdYou : N.holdBy(String(h.by ?? '?'))}
      {h.since && `, ${ago(h.since, siteNow.value)}`}
      {' '}<a href={href('events', [h.seq])}>#{h.seq}</a></div></div>
    {may('operate') && <button type="button" class="button small" onClick={() =>
      askCommand({ body: { verb: 'release', node, ref: h.seq }, title: N.liftTitle(h.reason || String(h.seq), node) })}>
      {N.lift}</button>}</li>;
}

function HoldsCard({ d }: { d: NodeDocument }) {
  return <Card title={N.holds}>
    {d.holds.length === 0 ? <p class="dim">{N.holdsNone}</p>
      : <ul class="rows">{d.holds.map((h) => <HoldRow key={h.seq} h={h} node={d.node.name} />)}</ul>}
  </Card>;
}

function AdviceNotice({ d }: { d: NodeDocument }) {
  return <>{d.advice.map((a) => <section class="notice" key={a.seq}>
    <div><h2>{P.incident.advice}</h2>
      <p><Said text={a.text} /> <a class="dim" href={href('events', [a.seq])}>#{a.seq}</a></p></div>
    {may('approve') && <div class="buttons">
      <button type="button" class="button" onClick={() => askCommand({ body: { verb: 'reject', ref: a.seq },
        title: P.incident.rejectTitle(a.seq) })}>{P.incident.reject}</button>
      <button type="button" class="button primary" onClick={() => askCommand({ body: { verb: 'approve', ref: a.seq },
        title: P.incident.approveTitle(a.seq) })}>{P.incident.approve}</button></div>}
  </section>)}</>;
}

function StandsCard({ d }: { d: NodeDocument }) {
  const n = d.node;
  return <Card title={N.stands}>
    <Facts rows={[
      [N.health, <Badge word={n.health} />], [N.mark, <Badge word={n.state} />],
      [N.job, n.job === null ? N.noJob
        : <a href={href('jobs', [n.job])}>{N.jobOf(n.job, String(n.tenant ?? '–'))}</a>],
      [N.incident, n.incident === null ? N.noIncident
        : <a href={href('incidents', [n.incident])}>{n.incident} {n.class}</a>],
      [N.takes, n.schedulable ? N.yes : N.no],
      [N.findings, count(d.findings_open)],
      [N.hazard, <Num basis="modelled" def="hazard">{count(n.hazard)}</Num>],
      [N.lost, <Cost uusd={n.lost_uusd} basis="modelled" def="lost_uusd" about={n.name} />],
      [N.power, <Num def="power_w" basis="modelled">{watts(n.power_w)}</Num>],
      [N.place, placeName([n.hall, n.row, n.rack].filter(Boolean).join('/'))],
      [N.model, n.model],
    ]} />
  </Card>;
}

function GpusCard({ d }: { d: NodeDocument }) {
  const [serials, setSerials] = useState(false);
  // An incident of the whole node stands on each of them and says nothing about any.
  const whole = d.gpus.length > 1 && d.gpus.every((g) => g.incident === d.gpus[0]!.incident);
  return <Card title={N.gpus(count(d.gpus.length))} tools={<button type="button" class="button small"
    aria-pressed={serials} onClick={() => setSerials(!serials)}>{N.serials}</button>}>
    <ul class="gpus">{d.gpus.map((g) => <li key={g.name} title={g.name}
      class={g.incident && !whole ? 'gpu hit' : 'gpu'}>
      <b>{g.slot}</b> <Badge word={g.state} />
      {g.incident && !whole && <a href={href('incidents', [g.incident])}>{g.incident}</a>}
      {serials && <span class="mono small dim gpu-serial">{g.serial ?? N.noSerial}</span>}
    </li>)}</ul>
  </Card>;
}

function LinksCard({ d }: { d: NodeDocument }) {
  const rows = [...d.links].sort((a, b) => Number(!!b.incident) - Number(!!a.incident));
  const bad = rows.filter((l) => l.incident).length;
  return <Card title={N.links(count(rows.length))} tools={<span class={bad ? 'warn' : 'dim'}>
    {bad ? N.linksBad(bad) : N.linksGood}</span>}>
    {rows.length === 0 ? <p class="dim">{N.linksNone}</p>
      : <Fold rows={rows} most={Math.max(4, bad)}>{(some) => <ul class="rows tight">{some.map((l) =>
        <li key={l.name} title={l.name}><a class="mono small" href={href('links', [l.name])}>{l.a}</a>
          <span class="rows-main dim mono small"
            title={[l.optic_a, l.optic_b].filter(Boolean).join(' · ')}>→ {l.b}</span>
          {l.incident ? <a href={href('incidents', [l.incident])}><Badge word="down" text={String(l.incident)} /></a>
            : <Badge word={l.state} />}</li>)}</ul>}</Fold>}
  </Card>;
}

function TestsCard({ d }: { d: NodeDocument }) {
  return <Card title={N.tests}>
    {d.tests.length === 0 ? <p class="dim">{N.testsNone}</p>
      : <Fold rows={d.tests} most={6}>{(rows) => <ul class="rows tight">{rows.map((t, i) =>
        <li key={t.seq ?? i}><Badge word={t.passed === null ? 'gate' : t.passed ? 'passed' : 'failed'}
          text={t.passed === null ? N.testRuns : t.passed ? N.testPassed : N.testFailed} />
          <span class="rows-main">{t.gate ?? t.result} {t.incident && <a class="dim"
            href={href('incidents', [t.incident])}>{t.incident}</a>}</span>
          {t.seq ? <a class="dim nowrap" href={href('events', [t.seq])}>{time(t.time)}</a>
            : <span class="dim nowrap">{time(t.time)}</span>}</li>)}</ul>}</Fold>}
  </Card>;
}

function OrdersCard({ d }: { d: NodeDocument }) {
  if (!d.orders.length) return null;
  return <Card title={N.orders}><ul class="rows tight">{d.orders.map((o) => <li key={o.order}>
    <a href={href('orders', [o.order])}>{o.order}</a>
    <span class="rows-main">{o.do}{o.part ? `, ${o.part}` : ''} <span class="dim">{o.who}</span></span>
    <Badge word={o.stuck ? 'stuck' : o.state} text={o.state} /></li>)}</ul></Card>;
}

function IncidentsCard({ d }: { d: NodeDocument }) {
  return <Card title={N.incidents(count(d.incidents.length))}>
    {d.incidents.length === 0 ? <p class="dim">{N.incidentsNone}</p>
      : <Fold rows={d.incidents} most={8}>{(rows) => <ul class="rows tight">{rows.map((i) => <li key={i.incident}>
        <a href={href('incidents', [i.incident])}>{i.incident}</a>
        <Badge word={i.closed ? 'closed' : 'open'} text={i.class} />
        <span class="rows-main dim small">{time(i.opened)}{i.opened && i.closed
          ? ` · ${span(Date.parse(i.closed) - Date.parse(i.opened))}` : ` · ${N.open}`}</span>
        <Cost uusd={i.lost_uusd} basis="modelled" def="lost_uusd"
          about={`incident:${i.incident}`} /></li>)}</ul>}</Fold>}
  </Card>;
}

/** '1 findings', '1 times out of service' read better as one. */
export const oneOf = (words: string) => words.replace(/^(finding|repair|time|job)s\b/, '$1');

function PastCard({ d }: { d: NodeDocument }) {
  const h = d.history;
  if (!h) return null;
  const signals = Object.entries(h.signals ?? {}).filter(([, n]) => n > 0);
  return <Card title={N.past} tools={h.lemon ? <Badge word="down" text={N.lemon} /> : null}>
    <p>{h.yearly_uusd <= 0 ? N.pastNone : <>{N.yearly} <Num basis={h.rests_on} def="lemons.yearly_uusd">
      {usd(h.yearly_uusd, true)}</Num></>}</p>
    {signals.length > 0 && <ul class="plain past">{signals.map(([word, n]) =>
      <li key={word}><b>{count(n)}</b> {n === 1 ? oneOf(word) : word}</li>)}</ul>}
  </Card>;
}

export function NodePage({ name }: { name: string }) {
  const r = useResource<NodeDocument>(`/nodes/${encodeURIComponent(name)}`, undefined,
    { everyMs: 1500 });
  const heard = usePolled<List<Machine>>('/machines', { name }, 5000);
  const measured = usePolled<MachineDocument>(
    heard.data?.rows.length ? `/machines/${encodeURIComponent(name)}` : null);
  const d = r.data, m = measured.data;
  return <Page title={name} tools={d && <Tools d={d} />}
    sub={!d ? r.error && <a href={href('nodes')}>{N.allOfThem}</a> : <><Badge word={d.node.state} />
      <span>{placeName([d.node.hall, d.node.rack].filter(Boolean).join('/'))}</span>
      {d.node.rack && <a href={href('nodes', [], { filter: `rack="${d.node.rack}"` })}>{N.itsRack}</a>}</>}>
    <Await of={r}>{(doc) => <>
      <AdviceNotice d={doc} />
      <div class="cols-main">
        <div class="stack"><StandsCard d={doc} />{m && <Readings name={name} doc={m} />}
          <GpusCard d={doc} /><LinksCard d={doc} />
          <Card title={N.timeline}>{doc.timeline.length === 0 ? <EmptyState title={N.timelineNone} />
            : <Fold rows={[...doc.timeline].sort((a, b) => b.seq - a.seq)} most={20}>
              {(rows) => <Timeline events={rows} label={N.timeline} />}</Fold>}</Card></div>
        <div class="stack"><HoldsCard d={doc} /><OrdersCard d={doc} /><IncidentsCard d={doc} />
          <PastCard d={doc} /><TestsCard d={doc} />
          {m && <MachineCards d={m} />}</div>
      </div></>}</Await>
  </Page>;
}
