// What automation may do, hall by hall; in the header in one word.
import { useResource } from '../resource';
import { href } from '../route';
import { T } from '../strings';
import type { List } from '../types';

interface HallMode {
  name: string;
  mode: string;
}

const EVERY_MS = 10_000;  // a mode changes by a person's command, seldom

/** 'h1 advise, h2 act'; one word where all agree; null while not known. */
export function useModes(): { word: string; halls: string } | null {
  const rows = useResource<List<HallMode>>('/halls', undefined, { everyMs: EVERY_MS }).data?.rows
    .filter((h) => h.mode) ?? [];
  if (!rows.length) return null;
  const same = rows.every((h) => h.mode === rows[0]!.mode);
  return { word: same ? rows[0]!.mode : T.top.mixed,
    halls: same ? rows[0]!.mode : rows.map((h) => `${h.name} ${h.mode}`).join(', ') };
}

export function ModeChip() {
  const m = useModes();
  return m && <a class="chip wide-only" href={href('settings')} title={T.top.modeAbout(m.halls)}>
    {T.top.mode(m.word)}</a>;
}
