// Asks the API.  Knows paths, problem documents, the CSRF header and ETags; nothing about pages.
import { signal } from '@preact/signals';
import type { Problem, Session } from './types';

export const ROOT = '/api/v1';

/** Who is logged in; null: nobody; undefined: not asked yet. */
export const session = signal<Session | null | undefined>(undefined);

export type Params = Record<string, string | number | boolean | null | undefined>;

/** An answer that is not a success, as the person should read it. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title || 'the server said no');
  }
  get status() { return this.problem.status ?? 0; }
  get code() { return this.problem.code ?? ''; }
}

export const offline = (why: string) => new ApiError({ status: 0, title: why });

/** path?a=1&b=2, without what is empty; keys in the order given. */
export function url(path: string, params?: Params): string {
  const q = Object.entries(params ?? {})
    .filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false)
    .map(([k, v]) => `${k}=${encodeURIComponent(String(v === true ? 1 : v))}`).join('&');
  return ROOT + path + (q ? (path.includes('?') ? '&' : '?') + q : '');
}

async function problemOf(r: Response): Promise<ApiError> {
  let p: Problem = { status: r.status, title: r.statusText || `HTTP ${r.status}` };
  if ((r.headers.get('Content-Type') ?? '').includes('json')) {
    try {
      p = { ...p, ...await r.json() };
    } catch {
      p.detail = p.title; // a document that is cut short: its status still stands
    }
  }
  return new ApiError(p);
}

/** fetch, where every failure is an ApiError, except an abort. */
async function ask(address: string, init: RequestInit): Promise<Response> {
  let r: Response;
  try {
    r = await fetch(address, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e;
    throw offline('the server does not answer');
  }
  if (r.status === 401 && session.value) session.value = null;
  if (!r.ok && r.status !== 304) throw await problemOf(r);
  return r;
}

/** Documents by address with their ETag: a 304 gives the very same object again. */
const known = new Map<string, { etag: string; data: unknown }>();
const KNOWN_MAX = 60;

function remember(address: string, etag: string | null, data: unknown) {
  known.delete(address);
  if (!etag) return;
  known.set(address, { etag, data });
  if (known.size > KNOWN_MAX) known.delete(known.keys().next().value as string);
}

/** GET of a document. */
export async function get<T>(path: string, params?: Params, signal_?: AbortSignal): Promise<T> {
  const address = url(path, params);
  const old = known.get(address);
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (old) headers['If-None-Match'] = old.etag;
  const r = await ask(address, { headers, signal: signal_ });
  if (r.status === 304 && old) return old.data as T;
  const data = await r.json() as T;
  remember(address, r.headers.get('ETag'), data);
  return data;
}

/** GET of bytes, with the revision and the time they belong to. */
export async function getBytes(path: string, params?: Params, signal_?: AbortSignal) {
  const r = await ask(url(path, params), { headers: {}, signal: signal_ });
  return {
    bytes: new Uint8Array(await r.arrayBuffer()),
    revision: Number(r.headers.get('MW-Revision') ?? 0),
    now: r.headers.get('MW-Now') ?? '',
  };
}

export interface SendOptions {
  method?: 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  params?: Params;
  key?: string;      // Idempotency-Key: a repeated send is done once
  ifMatch?: string;
  signal?: AbortSignal;
}

/** A write; the answer's document, or null without one. */
export async function send<T>(path: string, body?: unknown,
                              o: SendOptions = {}): Promise<T | null> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (session.value?.csrf) headers['MW-CSRF'] = session.value.csrf;
  if (o.key) headers['Idempotency-Key'] = o.key;
  if (o.ifMatch) headers['If-Match'] = o.ifMatch;
  const r = await ask(url(path, o.params), { method: o.method ?? 'POST', headers, signal: o.signal,
    body: body === undefined ? undefined : JSON.stringify(body) });
  return r.status === 204 ? null : await r.json() as T;
}

/** A key for one intent of a person. */
export const newKey = () => crypto.randomUUID?.() ??
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16)).join('');

export const may = (permission: string) =>
  session.value?.permissions?.includes(permission) ?? false;
