// A sentence of the API: its times as the console writes them, what it names as links, and without
// the hints for who sits at a shell.
import type { ComponentChildren } from 'preact';
import { time } from '../format';
import { href } from '../route';

const PLACE: Record<string, string> = { incident: 'incidents', order: 'orders', job: 'jobs', event: 'events',
  advice: 'events' };
const PARTS = /(\d{4}-\d\d-\d\dT[\d:.]+Z)|\b(incident|order|job|event|advice) (\d+)\b(?!\.\d| ?%)/g;

const withoutShell = (text: string) => text
  .replace(/: mw approve (\d+), or mw reject( \d+)?/, ' (advice $1)')
  .replace(/: mw parts\b|; mw explain --pending \d+ says why it waits/, '');

export function Said({ text, self }: { text: string | null | undefined; self?: string }) {
  if (!text) return null;
  const plain = withoutShell(text), out: ComponentChildren[] = [];
  let at = 0;
  for (const m of plain.matchAll(PARTS)) {
    out.push(plain.slice(at, m.index));
    at = m.index + m[0].length;
    const to = m[2] ? href(PLACE[m[2]]!, [m[3]!]) : '';
    out.push(m[1] ? time(m[1]) : to === self ? m[0] : <a href={to}>{m[0]}</a>);
  }
  return <>{out}{plain.slice(at)}</>;
}

/** The same as plain text, for where a link cannot stand. */
export const said = (text: string | null | undefined) => text
  ? withoutShell(text).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (t) => time(t)) : '';
