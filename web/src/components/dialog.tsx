// A window over the page, by the browser's own <dialog>: focus, Esc and the rest are its.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { T } from '../strings';

export function Dialog({ title, close, children, class: cls }: {
  title: string; close: () => void; children: ComponentChildren; class?: string;
}) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const d = box.current!;
    d.showModal();
    return () => d.close();
  }, []);
  return <dialog ref={box} class={`dialog ${cls ?? ''}`} aria-label={title}
    onCancel={(e) => { e.preventDefault(); close(); }}
    onClick={(e) => { if (e.target === box.current) close(); }}>
    <div class="dialog-in">
      <header class="dialog-head">
        <h2>{title}</h2>
        <button type="button" class="icon-button" aria-label={T.close} onClick={close}>✕</button>
      </header>
      {children}
    </div>
  </dialog>;
}
