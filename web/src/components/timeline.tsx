// Events one under the other, newest or oldest first as given; each leads to its record.
import { siteNow } from '../feed';
import { ago, shortTime, time } from '../format';
import { href } from '../route';
import { T } from '../strings';
import type { SiteEvent } from '../types';
import { Said } from './said';

/** A mark per family of events: fault, repair, job, person. */
export function familyOf(kind: string): string {
  if (/^(finding|incident|node\.judged|cascade|contradiction|guard)/.test(kind)) return 'fault';
  if (/^(order|step|gate|action|parts|drain|engine|node)/.test(kind)) return 'repair';
  if (/^(job|attempt|spares)/.test(kind)) return 'job';
  return 'person';
}

/** The sentence of an event: what it names is a link where it stands, or else behind it. */
export function Sentence({ event: e }: { event: SiteEvent }) {
  const { incident, job, node } = e.about ?? {};
  const at = node ? e.text.indexOf(node) : -1;
  const more: [string, string][] = [];
  const missing = (words: string, to: string) => {
    if (!new RegExp(`\\b${words}\\b`).test(e.text)) more.push([words, to]);
  };
  if (incident) missing(T.aboutLink.incident(incident), href('incidents', [incident]));
  if (job) missing(T.aboutLink.job(job), href('jobs', [job]));
  if (node && at < 0) more.push([node, href('nodes', [node])]);
  return <>
    {at < 0 ? <Said text={e.text} /> : <><Said text={e.text.slice(0, at)} />
      <a href={href('nodes', [node!])}>{node}</a><Said text={e.text.slice(at + node!.length)} /></>}
    {more.map(([words, to]) => <> · <a href={to}>{words}</a></>)}
  </>;
}

export function Timeline({ events, relative, label }: {
  events: SiteEvent[]; relative?: boolean; label?: string;
}) {
  const now = siteNow.value;
  return <ol class="timeline" aria-label={label}>
    {events.map((e) => <li key={e.seq} class={`ev ev-${familyOf(e.kind)}`}>
      <a class="ev-time" href={href('events', [e.seq])} title={time(e.time, true)}>
        {relative ? ago(e.time, now) : shortTime(e.time, now)}</a>
      <span class="ev-text"><Sentence event={e} /></span>
      <span class="ev-kind">{e.kind}</span>
    </li>)}
  </ol>;
}
