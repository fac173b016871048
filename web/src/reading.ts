// How a reading is written: its value with a unit that reads well.
import { count, short } from './format';

const thin = '\u202f';
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** 1536, 'MiB/s' → '1.5 GiB/s'. */
function bytes(v: number, of: number, per: string): string {
  let i = of, x = Math.abs(v);
  for (; x >= 1024 && i + 1 < BYTES.length; i++) x /= 1024;
  for (; x < 1 && x > 0 && i > 0; i--) x *= 1024;
  const text = x >= 100 || i === 0 || x === 0 ? x.toFixed(0) : x.toFixed(1);
  return `${v < 0 ? '−' : ''}${text}${thin}${BYTES[i]}${per}`;
}

/** 71.3, 'W' → '71.3 W'; bytes get a prefix; large counts too. */
export function reading(v: number | null | undefined, unit: string): string {
  if (v === null || v === undefined) return '–';
  const [size, per] = [unit.replace(/\/s$/, ''), unit.endsWith('/s') ? '/s' : ''];
  if (BYTES.includes(size)) return bytes(v, BYTES.indexOf(size), per);
  if (unit === '' || unit === '1') return Number.isInteger(v) ? count(v) : short(v);
  const a = Math.abs(v);
  const text = a >= 1e5 ? short(v) : Number.isInteger(v) ? String(v)
    : a >= 100 ? v.toFixed(0) : a >= 1 ? v.toFixed(1) : v.toPrecision(2);
  return `${text.replace('-', '−')}${thin}${unit}`;
}
