// The frames things stand in: page, card, empty state, error, loading.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ApiError } from '../api';
import type { Resource } from '../resource';
import { T } from '../strings';

/** A page: its title (also of the tab), what stands beside it, what it shows. */
export function Page({ title, sub, tools, children, wide }: {
  title: string; sub?: ComponentChildren; tools?: ComponentChildren;
  children?: ComponentChildren; wide?: boolean;
}) {
  useEffect(() => { document.title = `${title} · ${T.app}`; }, [title]);
  return <div class={wide ? 'page wide' : 'page'}>
    <header class="page-head">
      <h1>{title}</h1>
      {sub && <div class="page-sub">{sub}</div>}
      {tools && <div class="page-tools">{tools}</div>}
    </header>
    {children}
  </div>;
}

export function Card({ title, tools, children, class: cls, id }: {
  title?: ComponentChildren; tools?: ComponentChildren; children?: ComponentChildren;
  class?: string; id?: string;
}) {
  return <section class={`card ${cls ?? ''}`} id={id}>
    {(title || tools) && <header class="card-head">
      {title && <h2>{title}</h2>}
      {tools && <div class="card-tools">{tools}</div>}
    </header>}
    {children}
  </section>;
}

/** Says that there is nothing, and what to do about it. */
export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><p class="empty-title">{title}</p>
    {children && <p class="empty-do">{children}</p>}</div>;
}

export function Loading() {
  return <div class="loading" role="status">{T.loading}</div>;
}

export function ErrorBox({ error, retry }: { error: ApiError; retry?: () => void }) {
  const p = error.problem;
  return <div class="error-box" role="alert">
    <p class="error-title">{p.title || T.error.title}</p>
    <p>{error.status === 0 ? T.error.offline : p.detail}</p>
    {p.hint && <p><span class="dim">{T.error.hint}: </span>{p.hint}</p>}
    {p.code && <p class="dim">{T.error.code} {p.code}{p.trace_id ? ` · ${p.trace_id}` : ''}</p>}
    {retry && <button class="button" onClick={retry}>{T.retry}</button>}
  </div>;
}

/** Loading, error, or what the document makes. */
export function Await<D>({ of, children }: {
  of: Resource<D>; children: (data: D) => ComponentChildren;
}) {
  if (of.data !== undefined) return <>
    {of.error && <ErrorBox error={of.error} />}
    {children(of.data)}
  </>;
  return of.error ? <ErrorBox error={of.error} retry={of.reload} /> : <Loading />;
}

/** Label and value, one under the other. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return <dl class="facts">
    {rows.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v ?? T.none}</dd></div>)}
  </dl>;
}
