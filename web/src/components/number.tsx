// A figure that a person reads: value, what it rests on, and on a click its definition.
import type { ComponentChildren } from 'preact';
import { Basis } from './basis';
import { openDefinition, type EventsWish } from './definition';

export interface NumProps {
  children: ComponentChildren;        // the figure as text, made by format.ts
  basis?: string | null;              // rests_on of the API
  def?: string;                       // key in /definitions
  events?: EventsWish;                // which events it rests on
  class?: string;
}

export function Num({ children, basis, def, events, class: cls }: NumProps) {
  const inside = <><span class="num-value">{children}</span><Basis of={basis} /></>;
  return def
    ? <button type="button" class={`num num-link ${cls ?? ''}`}
        onClick={(e) => {
          e.preventDefault();  // inside a link it opens the definition, not the link
          e.stopPropagation();
          openDefinition(def, basis, events);
        }}>{inside}</button>
    : <span class={`num ${cls ?? ''}`}>{inside}</span>;
}

/** One of the big figures: a label, the number, a line under it. */
export function BigNumber({ label, sub, tone, href, ...num }: NumProps & {
  label: string; sub?: ComponentChildren; tone?: 'good' | 'warn' | 'bad'; href?: string;
}) {
  return <div class={`big ${tone ? `tone-${tone}` : ''}`}>
    <div class="big-label">{href ? <a href={href}>{label}</a> : label}</div>
    <Num {...num} class="big-num" />
    <div class="big-sub">{sub}</div>
  </div>;
}
