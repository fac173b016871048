// Which part of a page is shown: buttons side by side; the choice stands in the address.
import type { ComponentChildren } from 'preact';
import { place, setQuery } from '../route';

export interface Choice {
  id: string;                    // '' is the one without a word in the address
  text: ComponentChildren;
}

/** The chosen id of `name` in the address; one that is not among the choices counts as the first. */
export function chosen(name: string, choices: Choice[]): string {
  const id = place.value.query[name] ?? '';
  return choices.some((c) => c.id === id) ? id : choices[0]!.id;
}

export function Tabs({ name, choices, label, also }: {
  name: string; choices: Choice[]; label: string; also?: Record<string, null>;
}) {
  const now = chosen(name, choices);
  return <div class="segments" role="group" aria-label={label}>
    {choices.map((c) => <button key={c.id} type="button" aria-pressed={c.id === now}
      class={c.id === now ? 'button small on' : 'button small'}
      onClick={() => setQuery({ ...also, [name]: c.id })}>{c.text}</button>)}
  </div>;
}
