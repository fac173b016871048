// Short words about what just happened; read out, gone by themselves.
import { signal } from '@preact/signals';
import { T } from '../strings';

interface ToastNote {
  id: number;
  text: string;
  tone: 'good' | 'bad';
  href?: string;
}

const notes = signal<ToastNote[]>([]);
const STAY_MS = 7000;
let last = 0;

export function toast(text: string, tone: ToastNote['tone'] = 'good', href?: string) {
  const id = ++last;
  notes.value = [...notes.value.slice(-3), { id, text, tone, href }];
  setTimeout(() => drop(id), STAY_MS);
}

const drop = (id: number) => { notes.value = notes.value.filter((n) => n.id !== id); };

export function Toasts() {
  return <div class="toasts" role="status" aria-live="polite">
    {notes.value.map((n) => <div key={n.id} class={`toast toast-${n.tone}`}>
      {n.href ? <a href={n.href}>{n.text}</a> : n.text}
      <button type="button" class="icon-button" aria-label={T.close}
        onClick={() => drop(n.id)}>✕</button>
    </div>)}
  </div>;
}
