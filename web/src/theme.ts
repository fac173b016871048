// Light, dark, or as the system has it; kept in this browser.
import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const KEY = 'mw-theme';

function kept(): Theme {
  try {
    const t = localStorage.getItem(KEY);
    return t === 'light' || t === 'dark' ? t : 'auto';
  } catch {
    return 'auto';  // storage is switched off
  }
}

export const theme = signal<Theme>('auto');
/** What is on the screen now: canvases choose their colours by it. */
export const shownTheme = signal<'light' | 'dark'>('light');

export function setTheme(t: Theme) {
  theme.value = t;
  try {
    if (t === 'auto') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, t);
  } catch {
    return;  // storage is switched off: holds until the page goes
  }
}

export function startTheme() {
  theme.value = kept();
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const system = signal(dark.matches);
  dark.addEventListener('change', () => { system.value = dark.matches; });
  const print = matchMedia('print');
  const paper = signal(print.matches);
  print.addEventListener('change', () => { paper.value = print.matches; });
  effect(() => {
    shownTheme.value = paper.value ? 'light'
      : theme.value === 'auto' ? (system.value ? 'dark' : 'light') : theme.value;
    document.documentElement.dataset.theme = shownTheme.value;
  });
}

/** The value of a design token, for canvases. */
export const token = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
