// The place in the console: all of it stands in the address behind the '#', so that a link shows
// what its sender saw.  #/page/arg?key=value&…
import { computed, signal } from '@preact/signals';

export interface Place {
  page: string;                    // 'home', 'nodes' …
  args: string[];                  // what follows, decoded
  query: Record<string, string>;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;  // a link that was cut in the middle of an escape
  }
}

/** '#/nodes/n17?tab=tests' → {page: 'nodes', args: ['n17'], query: {tab: 'tests'}} */
export function parsePlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const [page, ...args] = path.split('/').filter((p) => p !== '').map(decode);
  const query: Record<string, string> = {};
  for (const pair of search.split('&')) {
    const at = pair.indexOf('=');
    const key = decode(at < 0 ? pair : pair.slice(0, at));
    if (key) query[key] = at < 0 ? '1' : decode(pair.slice(at + 1));
  }
  return { page: page || 'home', args, query };
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** The address of a place; what is empty is left out, keys in order of the alphabet. */
export function href(page: string, args: (string | number)[] = [], query: Query = {}): string {
  const q = Object.keys(query).sort()
    .filter((k) => query[k] !== undefined && query[k] !== null && query[k] !== '' &&
      query[k] !== false)
    .map((k) => query[k] === true ? k : `${k}=${encodeURIComponent(String(query[k]))}`);
  const path = [page, ...args].map((p) => encodeURIComponent(String(p))).join('/');
  return `#/${path}${q.length ? `?${q.join('&')}` : ''}`;
}

const hash = signal(typeof location === 'undefined' ? '' : location.hash);
export const place = computed(() => parsePlace(hash.value));

/** Another place; `replace`: the way back does not stop at this one. */
export function go(to: string, replace = false) {
  if (to === location.hash) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  hash.value = to;
}

/** The same page with other keys: null or '' takes one away. */
export function setQuery(change: Query, replace = true) {
  const p = place.peek();
  go(href(p.page, p.args, { ...p.query, ...change }), replace);
}

/** Follows links and the browser's own way back and forth. */
export function startRouter() {
  const read = () => { hash.value = location.hash; };
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
}
