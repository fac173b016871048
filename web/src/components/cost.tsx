// Money lost, with the GPU time behind it on hover; what it rests on and its definition.
import { gpuHours, usd } from '../format';
import { Num } from './number';

/** Dollars in few characters; a cost below half a cent is nothing. */
function Text({ uusd }: { uusd: number | null | undefined }) {
  return <>{usd(uusd !== null && uusd !== undefined && Math.abs(uusd) < 5000 ? 0 : uusd, true)}</>;
}

export function Cost({ uusd, gpuMs, basis, def, about, kind, class: cls }: {
  uusd: number | null | undefined; gpuMs?: number | null; basis?: string | null; def?: string;
  about?: string | number; kind?: string; class?: string;
}) {
  const events = about !== undefined || kind ? { about: about === undefined ? undefined
    : String(about), kind } : undefined;
  return <span title={gpuMs === undefined ? undefined : gpuHours(gpuMs)}>
    <Num basis={basis} def={def} events={events} class={cls}><Text uusd={uusd} /></Num></span>;
}
Cost.Text = Text;
