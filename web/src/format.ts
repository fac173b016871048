// How figures and times read.  Every function takes null for "not known" and answers '–'.
import { signal } from '@preact/signals';

export const NONE = '–';
/** Times in this machine's zone instead of UTC. */
export const localTime = signal(keep('mw-local-time') === '1');

function keep(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;  // storage is switched off
  }
}

export function setLocalTime(on: boolean) {
  localTime.value = on;
  try {
    localStorage.setItem('mw-local-time', on ? '1' : '0');
  } catch {
    return;  // storage is switched off: holds until the page goes
  }
}

type Maybe<T> = T | null | undefined;
const thin = '\u202f';  // between a number and its unit

/** 12345 → '12,345' */
export function count(n: Maybe<number>): string {
  return n === null || n === undefined ? NONE : Math.round(n).toLocaleString('en-US');
}

/** 2, 'node' → '2 nodes' */
export const many = (n: number, word: string) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

/** Three or so digits: 1234567 → '1.23 M' */
export function short(n: Maybe<number>): string {
  if (n === null || n === undefined) return NONE;
  const a = Math.abs(n);
  for (const [size, mark] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const)
    if (a >= size) return digits(n / size) + thin + mark;
  return digits(n);
}

function digits(n: number): string {
  const a = Math.abs(n);
  return n.toLocaleString('en-US', { maximumFractionDigits: a >= 100 || Number.isInteger(n) ? 0
    : a >= 10 ? 1 : 2 });
}

/** Millionths of a share: 984500 → '98.5 %' */
export function share(ppm: Maybe<number>, places = 1): string {
  return ppm === null || ppm === undefined ? NONE : `${(ppm / 1e4).toFixed(places)}${thin}%`;
}

/** Micro-dollars: '$1,234', '$12.3 k' when brief, cents below 10. */
export function usd(uusd: Maybe<number>, brief = false): string {
  if (uusd === null || uusd === undefined) return NONE;
  const d = uusd / 1e6, a = Math.abs(d), sign = d < 0 ? '−' : '';
  if (brief && a >= 10_000) return `${sign}$${short(a)}`;
  return `${sign}$${a.toLocaleString('en-US', a < 10 && a > 0
    ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumFractionDigits: 0 })}`;
}

/** GPU-milliseconds as GPU-hours. */
export function gpuHours(gpuMs: Maybe<number>): string {
  return gpuMs === null || gpuMs === undefined ? NONE : `${short(gpuMs / 3.6e6)} GPU${thin}h`;
}

const SPANS = [['d', 864e5], ['h', 36e5], ['min', 6e4], ['s', 1e3]] as const;

/** A length: '2 d 4 h', '12 min', '35 s', '120 ms'; at most two units. */
export function span(ms: Maybe<number>): string {
  if (ms === null || ms === undefined) return NONE;
  const sign = ms < 0 ? '−' : '', a = Math.abs(ms);
  if (a < 1000) return `${sign}${Math.round(a)}${thin}ms`;
  const least = SPANS[SPANS.findIndex(([, size]) => a >= size) + 1]?.[1] ?? 1;
  const round = Math.round(a / least) * least;  // 59 min 40 s is an hour, not 60 minutes
  const i = SPANS.findIndex(([, size]) => round >= size);
  const [unit, size] = SPANS[i]!, next = SPANS[i + 1];
  const whole = Math.floor(round / size), rest = next ? Math.round((round % size) / next[1]) : 0;
  return `${sign}${whole}${thin}${unit}` +
    (rest && whole < 100 && unit !== 'min' ? ` ${rest}${thin}${next![0]}` : '');
}

export function watts(w: Maybe<number>): string {
  if (w === null || w === undefined) return NONE;
  const a = Math.abs(w);
  return a >= 1e6 ? `${digits(w / 1e6)}${thin}MW` : a >= 1e3 ? `${digits(w / 1e3)}${thin}kW`
    : `${digits(w)}${thin}W`;
}

export const timeMs = (t: Maybe<string | number>): number | null => {
  if (t === null || t === undefined || t === '') return null;
  const ms = typeof t === 'number' ? t : Date.parse(t);
  return Number.isFinite(ms) ? ms : null;
};

const two = (n: number) => String(n).padStart(2, '0');

function parts(ms: number) {
  const d = new Date(ms);
  return localTime.value
    ? { y: d.getFullYear(), mo: d.getMonth() + 1, d: d.getDate(), h: d.getHours(),
        mi: d.getMinutes(), s: d.getSeconds() }
    : { y: d.getUTCFullYear(), mo: d.getUTCMonth() + 1, d: d.getUTCDate(), h: d.getUTCHours(),
        mi: d.getUTCMinutes(), s: d.getUTCSeconds() };
}

/** '2026-11-22 17:05' (UTC, or local when asked for) */
export function time(t: Maybe<string | number>, seconds = false): string {
  const ms = timeMs(t);
  if (ms === null) return NONE;
  const p = parts(ms);
  return `${p.y}-${two(p.mo)}-${two(p.d)} ${two(p.h)}:${two(p.mi)}${seconds ? `:${two(p.s)}` : ''}`;
}

/** '17:05' today, else '11-21 17:05' */
export function shortTime(t: Maybe<string | number>, now: Maybe<number>): string {
  const text = time(t);
  if (text === NONE) return NONE;
  return now && time(now).slice(0, 10) === text.slice(0, 10) ? text.slice(11) : text.slice(5);
}

/** 'in 2 h'; what should have come by now is 'due'. */
export const until = (t: Maybe<string | number>, now: number) => {
  const ms = timeMs(t);
  return ms !== null && now && ms <= now ? 'due' : ago(t, now);
};

/** 'h1/h1-r2/h1-r2-k3' leaves out what its next part begins with: 'h1-r2-k3' */
export const placeName = (path: Maybe<string>) => (path ?? '').split('/').filter((x, i, all) =>
  x !== '' && (i === all.length - 1 || !all[i + 1]!.startsWith(x))).join(' / ');

export const zone = () => localTime.value ? 'local' : 'UTC';

/** '3 min ago', 'in 2 h' beside the site's now. */
export function ago(t: Maybe<string | number>, now: number): string {
  const ms = timeMs(t);
  if (ms === null || !now) return NONE;
  const d = now - ms;
  return Math.abs(d) < 1000 ? 'now' : d > 0 ? `${span(d)} ago` : `in ${span(-d)}`;
}
