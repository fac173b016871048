// What a figure rests on: measured here, from a trace, modelled.
import { session } from '../api';
import { T } from '../strings';

type Key = keyof typeof T.basis;
const ORDER: Key[] = ['modelled', 'policy', 'trace', 'measured'];

/** The weakest of the words in `rests_on`; null when it names none.  A simulated site's own
 * figures are modelled; its record holds what a replay did: modelled, too, where faults came from
 * a trace. */
export function basisKey(text: string | null | undefined): Key | null {
  const t = (text ?? '').toLowerCase().replace('simulated', 'modelled')
    .replace('site file', 'policy');
  return ORDER.find((k) => t.includes(k)) ?? (t.includes('record') ? recordKey() : null);
}

const recordKey = (): Key => session.value?.replay ? 'modelled' : 'measured';

const GLYPH: Record<Key, preact.JSX.Element> = {
  measured: <circle cx="5" cy="5" r="3.4" />,
  trace: <g><circle cx="5" cy="5" r="3.6" class="line" /><circle cx="5" cy="5" r="1.3" /></g>,
  modelled: <path d="M1 6.2c1.3-2.6 2.6-2.6 4-1.2s2.7 1.4 4-1.2" class="line" />,
  policy: <path d="M2 2h6v6H2z" class="line" />,
};

/** The small mark beside a figure; its words are read out and shown on hover. */
export function Basis({ of }: { of: string | null | undefined }) {
  const key = basisKey(of);
  if (!key) return null;
  const words = T.basis[key].title;
  const whole = of && of !== key ? `${words} (${of})` : words;
  return <span class={`basis basis-${key}`} title={whole}>
    <svg viewBox="0 0 10 10" aria-hidden="true">{GLYPH[key]}</svg>
    <span class="sr"> {whole}</span>
  </span>;
}
