// A document of the API that stays fresh: asked again whenever the record moved, while somebody
// looks at the page, and never faster than it is answered.
import { effect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get, session, type Params, url } from './api';
import { heardNow, revision } from './feed';

export interface Resource<T> {
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;          // nothing to show yet
  reload: () => void;
}

export interface ResourceOptions {
  /** false: asked once, and again only on reload() or another path. */
  live?: boolean;
  /** The least time between two asks (default 500 ms); longer where the answer is slow. */
  everyMs?: number;
}

type Load<T> = (signal: AbortSignal) => Promise<T>;
type Tell<T> = (data: T | undefined, error: ApiError | undefined) => void;

const EVERY_MS = 500, AGAIN_MS = 3000;
const SLOW_FACTOR = 3;  // an answer that took 1 s is asked for again after 3 s

/** One loop a mounted hook: asks, waits for news, asks again. */
function keepFresh<T>(load: Load<T>, o: ResourceOptions, tell: Tell<T>) {
  const abort = new AbortController();
  let busy = false, dirty = true, nextAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  async function go() {
    timer = undefined;
    if (busy || !dirty || abort.signal.aborted || document.hidden) return;
    if (Date.now() < nextAt) {
      timer = setTimeout(go, nextAt - Date.now());
      return;
    }
    busy = true;
    dirty = false;
    const began = Date.now();
    let failed = false;
    try {
      tell(await load(abort.signal), undefined);
    } catch (e) {
      if (abort.signal.aborted) return;
      const error = e instanceof ApiError ? e : new ApiError({ title: String(e) });
      tell(undefined, error);
      failed = error.status === 0 || error.status >= 500;  // comes back by itself
    }
    busy = false;
    dirty ||= failed;
    nextAt = Date.now() + Math.max(o.everyMs ?? EVERY_MS, SLOW_FACTOR * (Date.now() - began),
      failed ? AGAIN_MS : 0);
    if (dirty) timer ??= setTimeout(go, nextAt - Date.now());
  }
  const kick = () => {
    dirty = true;
    if (!timer) void go();
  };
  let first = true;
  const unwatch = o.live === false ? () => {} : effect(() => {
    void revision.value;
    if (!first) kick();
    first = false;
  });
  const seen = () => { if (!document.hidden && dirty && !timer) void go(); };
  document.addEventListener('visibilitychange', seen);
  void go();
  return {
    kick,
    end() {
      abort.abort();
      clearTimeout(timer);
      unwatch();
      document.removeEventListener('visibilitychange', seen);
    },
  };
}

/** What a page showed last, for the way back. */
const shown = new Map<string, unknown>();
const SHOWN_MAX = 40;

function show(address: string, data: unknown) {
  shown.delete(address);
  shown.set(address, data);
  if (shown.size > SHOWN_MAX) shown.delete(shown.keys().next().value as string);
}

interface State<T> {
  address: string;
  data?: T;
  error?: ApiError;
}

const pathOf = (address: string) => address.split('?')[0];

/**
 * What `load` gives for an address, kept fresh; a null address asks nothing.  With another path
 * the old data is gone at once; with the same path and other params it stays until new data is
 * there.
 */
export function useFresh<T>(address: string | null, load: Load<T>,
                            options: ResourceOptions = {}): Resource<T> {
  const [state, set] = useState<State<T>>({ address: '' });
  const loop = useRef<ReturnType<typeof keepFresh> | null>(null);
  const here = address ?? '';
  useEffect(() => {
    if (address === null || session.peek() === null) return;
    const known = shown.get(address) as T | undefined;
    set((old) => ({ address, data: known ??
      (pathOf(old.address) === pathOf(address) ? old.data : undefined) }));
    const mine = loop.current = keepFresh<T>(load, options, (data, error) => {
      if (data !== undefined) show(address, data);
      set((old) => {
        if (old.address === address && data !== undefined && old.data === data && !old.error)
          return old;
        return { address, data: data ?? (old.address === address ? old.data : undefined), error };
      });
    });
    return () => mine.end();
  }, [here, options.live, options.everyMs]);
  const same = state.address !== '' && pathOf(state.address) === pathOf(here);
  const data = same ? state.data : undefined, error = same ? state.error : undefined;
  return { data, error, loading: address !== null && data === undefined && !error,
    reload: () => loop.current?.kick() };
}

/** GET path?params, kept fresh; a null path asks nothing. */
export function useResource<T>(path: string | null, params?: Params,
                               options: ResourceOptions = {}): Resource<T> {
  return useFresh<T>(path === null ? null : url(path, params), async (signal) => {
    const data = await get<T>(path!, params, signal);
    heardNow((data as { now?: string } | null)?.now);
    return data;
  }, options);
}
