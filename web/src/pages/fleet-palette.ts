// The 256 colours of each metric, as the bytes of a canvas (0xAABBGGRR).
import { STATES } from '../components/marks';
import { token } from '../theme';

export type Metric = 'state' | 'incident' | 'job' | 'tenant' | 'age' | 'risk';
export const METRICS: Metric[] = ['state', 'incident', 'job', 'tenant', 'age', 'risk'];

type Rgb = [number, number, number];
const pack = ([r, g, b]: Rgb) => (255 << 24 | b << 16 | g << 8 | r) >>> 0;
export const css = (packed: number) =>
  `rgb(${packed & 255} ${packed >> 8 & 255} ${packed >> 16 & 255})`;

function hex(text: string): Rgb {
  const n = parseInt(text.replace('#', ''), 16);
  return [n >> 16 & 255, n >> 8 & 255, n & 255];
}

/** Colour from hue in degrees, saturation and lightness in 0…1. */
function hsl(h: number, s: number, l: number): Rgb {
  const f = (n: number) => {
    const k = (n + h / 30) % 12;
    return Math.round(255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [f(0), f(8), f(4)];
}

/** Cividis, which the colour-blind see as others do, at seven points (Nuñez, Anderton, Renslow,
 * PLoS ONE 13(7), 2018). */
const RAMP: Rgb[] = [[0, 34, 78], [43, 66, 108], [87, 93, 109], [125, 124, 120], [165, 156, 116],
  [211, 193, 100], [254, 232, 56]];

function ramp(share: number): Rgb {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, Math.floor(at));
  const a = RAMP[i]!, b = RAMP[i + 1]!, f = at - i;
  return [0, 1, 2].map((k) => Math.round(a[k]! + (b[k]! - a[k]!) * f)) as Rgb;
}

/** Hues a golden angle apart: neighbours in number are far apart in colour. */
const category = (i: number, dark: boolean): Rgb =>
  hsl((i * 137.508) % 360, 0.55, (dark ? 0.5 : 0.56) + (i % 3 - 1) * 0.1);

/** Values that must be seen at any size: bad states, and whatever has an incident. */
export const ringsOf = (metric: Metric) => (value: number) => metric === 'state'
  ? STATES[value]?.bad ?? false : (metric === 'incident' || metric === 'age') && value > 0;

export const AGE_FULL_DAYS = 30;  // from here on the scale does not change (chosen: a month)

export function paletteOf(metric: Metric, dark: boolean): Uint32Array {
  const p = new Uint32Array(256), none = hex(token('--c-unknown'));
  if (metric === 'state') {
    p.fill(pack(none));
    for (const s of STATES) p[s.code] = pack(hex(token(`--c-${s.key}`)));
    return p;
  }
  for (let i = 0; i < 256; i++) {
    const share = metric === 'age' ? i / AGE_FULL_DAYS : i / 255;
    const least = metric === 'age' ? 0.35 : 0.12;  // one day must differ from none
    const up = dark ? least + (1 - least) * share : 1 - share;  // most stands out on either ground
    p[i] = pack(metric === 'age' || metric === 'risk' ? ramp(up) : category(i - 1, dark));
  }
  if (metric !== 'risk') p[0] = pack(none);
  return p;
}
