// Follows GET /api/v1/stream: keeps it open, resumes where it was, and passes on what came in
// bundles.  Read with fetch, not EventSource: that hides a refusal's status and must be told the
// name of every kind of event beforehand.
import type { SiteEvent } from './types';

export interface News {
  state: 'opening' | 'open' | 'lost' | 'refused';
  revision: number;
  now: string;
  events: SiteEvent[];   // the newest of this bundle, oldest first
}

const EVERY_MS = 500;    // the most often a page is told
const EVENTS_MAX = 60;   // of a bundle; who wants all asks /events
const AGAIN_MS = [500, 1000, 2000, 5000];  // after the first, second … failure in a row
const SILENT_MS = 15_000;  // a bookmark comes every 2 s; this long without is a dead line
const LINE_MAX = 65_536;

/** Cuts a text stream into the fields of server-sent events. */
export function sseParser(got: (event: string, data: string, id: string) => void) {
  let rest = '', event = '', data = '', id = '';
  function line(text: string) {
    if (text === '') {
      if (data !== '') got(event || 'message', data, id);
      event = data = '';
    } else if (!text.startsWith(':')) {
      const at = text.indexOf(':');
      const key = at < 0 ? text : text.slice(0, at);
      const value = at < 0 ? '' : text.slice(at + 1).replace(/^ /, '');
      if (key === 'event') event = value;
      else if (key === 'id') id = value;
      else if (key === 'data') data += (data ? '\n' : '') + value;
    }
  }
  return (chunk: string) => {
    rest += chunk;
    for (let at = rest.search(/\r?\n/); at >= 0; at = rest.search(/\r?\n/)) {
      line(rest.slice(0, at));
      rest = rest.slice(at + (rest[at] === '\r' ? 2 : 1));
    }
    if (rest.length > LINE_MAX) throw new Error('a line of the event stream is too long');
  };
}

export function follow(tell: (news: News) => void) {
  let state: News['state'] = 'opening', revision = 0, now = '', lastId = '';
  let events: SiteEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let toldAt = 0, failures = 0, heardAt = 0;
  let stop = new AbortController();

  const news = (): News => ({ state, revision, now, events });
  function flush() {
    timer = undefined;
    toldAt = Date.now();
    tell(news());
    events = [];
  }
  const soon = () => {
    timer ??= setTimeout(flush, Math.max(0, toldAt + EVERY_MS - Date.now()));
  };
  function got(event: string, text: string, id: string) {
    const body = JSON.parse(text);
    if (id) lastId = id;
    if (event === 'bookmark') {
      revision = Math.max(revision, body.revision);
      now = body.now;
    } else if (body.seq) {
      revision = Math.max(revision, body.seq);
      events.push({ kind: event, ...body });
      if (events.length > EVENTS_MAX) events.shift();
    }
    soon();
  }
  async function read(r: Response) {
    const reader = r.body!.getReader(), decoder = new TextDecoder(), parse = sseParser(got);
    state = 'open';
    failures = 0;
    soon();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heardAt = Date.now();
      parse(decoder.decode(value, { stream: true }));
    }
  }
  async function open() {
    const mine = stop = new AbortController();
    heardAt = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - heardAt > SILENT_MS) mine.abort();
    }, SILENT_MS / 3);
    let status = 0;
    try {
      const r = await fetch('/api/v1/stream', { credentials: 'same-origin', cache: 'no-store',
        signal: mine.signal, headers: lastId ? { 'Last-Event-ID': lastId } : {} });
      status = r.status;
      if (r.ok) await read(r);
    } catch {
      status = 0;  // the line broke; that is no reason to forget the place
    }
    clearInterval(watch);
    if (stop !== mine) return;
    if (status === 410) {  // the place is gone: everything may be new
      lastId = '';
      revision = 0;
    }
    state = status === 401 || status === 403 ? 'refused' : 'lost';
    soon();
    again = setTimeout(open, AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)]);
  }
  void open();
  return {
    last: news,
    stop() {
      clearTimeout(again);
      clearTimeout(timer);
      const old = stop;
      stop = new AbortController();
      old.abort();
    },
  };
}
