// What a whole is made of: one bar, and every part by name, with its figure and its share.
import type { ComponentChildren } from 'preact';
import { share } from '../format';
import { PartsBar } from './chart';

export interface SplitPart {
  key: string;
  name: string;
  about?: string;                // on hover
  color: string;                 // a token
  value: number;
  text: ComponentChildren;       // the figure
}

export function Split({ parts, total, label }: {
  parts: SplitPart[]; total: number; label: string;
}) {
  const whole = total > 0 ? total : 1;
  const some = parts.filter((p) => p.value > 0);
  return <div class="split">
    <PartsBar label={label} parts={some.map((p) => ({ share: p.value / whole, color: p.color,
      title: `${p.name}: ${share((p.value / whole) * 1e6)}` }))} />
    <ul class="split-parts">{some.map((p) => <li key={p.key} title={p.about}>
      <span class="swatch" style={{ background: `var(${p.color})` }} />
      <span class="split-name">{p.name}</span>
      <span class="split-value">{p.text}</span>
      <span class="split-share dim">{share((p.value / whole) * 1e6)}</span>
    </li>)}</ul>
  </div>;
}
