// '/': finds a node, job, incident or page, and does small things, from anywhere.
import { Fragment } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, may } from '../api';
import { localTime, setLocalTime, usd } from '../format';
import { helpOpen, paletteOpen } from '../overlays';
import { PAGES } from '../pages';
import { go, href } from '../route';
import { T } from '../strings';
import { setTheme } from '../theme';
import type { Incident, Job, List, Node } from '../types';
import { Dialog } from './dialog';
import { Badge } from './marks';

interface Hit {
  group: string;
  key: string;
  title: string;
  sub?: string;
  state?: string;
  run: () => void;
}

const EACH = 6, WAIT_MS = 140;
const to = (address: string) => () => go(address);
const quoted = (text: string) => `"*${text.replace(/["\\*]/g, '')}*"`;

function localHits(text: string): Hit[] {
  const t = text.toLowerCase();
  const pages = PAGES.filter((p) => !p.needs || may(p.needs)).map((p): Hit => ({
    group: T.palette.pages, key: `p-${p.id}`, title: p.title,
    sub: p.key ? `g ${p.key}` : undefined, run: to(href(p.id)) }));
  const actions: Hit[] = (['auto', 'light', 'dark'] as const).map((theme) => ({
    group: T.palette.actions, key: `t-${theme}`, title: T.top.theme[theme],
    run: () => setTheme(theme) }));
  actions.push({ group: T.palette.actions, key: 'zone', title: T.palette.zone,
    run: () => setLocalTime(!localTime.value) });
  actions.push({ group: T.palette.actions, key: 'help', title: T.palette.help, sub: '?',
    run: () => { helpOpen.value = true; } });
  return [...pages, ...(t ? actions : [])].filter((h) => h.title.toLowerCase().includes(t));
}

/** Three lists are asked together; one that fails leaves the others standing. */
async function askHits(text: string, stop: AbortSignal): Promise<Hit[]> {
  const q = quoted(text), number = /^\d+$/.test(text);
  const [nodes, jobs, incidents] = await Promise.allSettled([
    get<List<Node>>('/nodes', { filter: `name~${q}`, limit: EACH,
      fields: 'name,health,state,rack' }, stop),
    get<List<Job>>('/jobs', { filter: number ? `job=${text} or name~${q}` : `name~${q}`,
      limit: EACH, all: 1 }, stop),
    get<List<Incident>>('/incidents', { filter: number ? `incident=${text}`
      : `class~${q} or on~${q}`, limit: EACH }, stop),
  ] as const);
  const hits: Hit[] = [];
  if (nodes.status === 'fulfilled') for (const n of nodes.value.rows)
    hits.push({ group: T.palette.nodes, key: `n-${n.name}`, title: n.name, sub: n.rack ?? undefined,
      state: n.health, run: to(href('nodes', [n.name])) });
  if (jobs.status === 'fulfilled') for (const j of jobs.value.rows)
    hits.push({ group: T.palette.jobs, key: `j-${j.job}`, title: j.name ?? String(j.job),
      sub: `${j.gpus} GPUs`, state: j.state, run: to(href('jobs', [j.job])) });
  if (incidents.status === 'fulfilled') for (const i of incidents.value.rows)
    hits.push({ group: T.palette.incidents, key: `i-${i.incident}`,
      title: `${i.incident} ${i.class}`, sub: `${i.on ?? ''} ${usd(i.lost_uusd)}`, state: i.state,
      run: to(href('incidents', [i.incident])) });
  return hits;
}

function useHits(text: string): Hit[] {
  const [found, setFound] = useState<Hit[]>([]);
  useEffect(() => {
    const stop = new AbortController(), t = text.trim();
    if (t.length < 1) {
      setFound([]);
      return;
    }
    const timer = setTimeout(() => {
      askHits(t, stop.signal).then((h) => { if (!stop.signal.aborted) setFound(h); },
        () => setFound([]));
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  return useMemo(() => [...localHits(text.trim()), ...found], [text, found]);
}

function PaletteBox() {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const hits = useHits(text);
  const close = () => { paletteOpen.value = false; };
  const run = (h: Hit | undefined) => {
    if (!h) return;
    close();
    h.run();
  };
  useEffect(() => setAt(0), [text]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const key = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') setAt(Math.min(hits.length - 1, at + 1));
    else if (e.key === 'ArrowUp') setAt(Math.max(0, at - 1));
    else if (e.key === 'Enter') run(hits[at]);
    else return;
    e.preventDefault();
  };
  let group = '';
  return <Dialog title={T.palette.title} close={close} class="palette">
    <input class="input" autofocus value={text} placeholder={T.palette.placeholder}
      role="combobox" aria-expanded="true" aria-controls="hits" aria-label={T.palette.title}
      aria-activedescendant={hits[at] ? `hit-${at}` : undefined} spellcheck={false}
      onInput={(e) => setText(e.currentTarget.value)} onKeyDown={key} />
    <ul id="hits" role="listbox" class="hits" ref={list} aria-label={T.palette.title}>
      {hits.map((h, i) => {
        const head = h.group !== group;
        group = h.group;
        return <Fragment key={h.key}>
          {head && <li role="presentation" class="hit-group">{h.group}</li>}
          <li id={`hit-${i}`} role="option" aria-selected={i === at} class="hit"
            onMouseMove={() => setAt(i)} onClick={() => run(h)}>
            <span class="hit-title">{h.title}</span>
            {h.state && <Badge word={h.state} />}
            {h.sub && <span class="hit-sub">{h.sub}</span>}
          </li></Fragment>;
      })}
    </ul>
    {text && !hits.length && <p class="dim">{T.palette.nothing}</p>}
  </Dialog>;
}

/** Rendered once, by the shell. */
export const Palette = () => paletteOpen.value ? <PaletteBox /> : null;
