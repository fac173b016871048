// Tokens: who has one, a new one (shown once), an end to one.
import { useRef, useState } from 'preact/hooks';
import { ApiError, newKey, send, session } from '../api';
import { Dialog } from '../components/dialog';
import { Await, Card, EmptyState, ErrorBox } from '../components/layout';
import { Badge } from '../components/marks';
import { toast } from '../components/toast';
import { time } from '../format';
import { useResource } from '../resource';
import { T } from '../strings';
import { P } from '../strings-pages';
import type { List } from '../types';
import type { TokenRow } from '../types-pages';

const K = P.tokens;
const ROLES = ['viewer', 'user', 'technician', 'operator', 'finance', 'auditor', 'admin'] as const;
const DAYS = [7, 30, 90, 365, 0];

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** The token itself, once. */
function Shown({ token, close }: { token: string; close: () => void }) {
  const copy = () => navigator.clipboard?.writeText(token).then(() => toast(K.copied), () => {});
  return <Dialog title={K.made} close={close}>
    <p>{K.once}</p>
    <p class="mono token">{token}</p>
    <div class="buttons"><button type="button" class="button" onClick={copy}>{K.copy}</button>
      <button type="button" class="button primary" onClick={close}>{T.close}</button></div>
  </Dialog>;
}

function NewToken({ close, made }: { close: () => void; made: (token: string) => void }) {
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<string[]>(['viewer']);
  const [tenants, setTenants] = useState('');
  const [halls, setHalls] = useState('');
  const [days, setDays] = useState(90);
  const [error, setError] = useState<ApiError | null>(null);
  const key = useRef(newKey());
  const turn = (role: string) => setRoles(roles.includes(role) ? roles.filter((r) => r !== role) : [...roles, role]);
  async function submit(e: Event) {
    e.preventDefault();
    setError(null);
    const numbers = words(tenants).map(Number);
    try {
      const r = await send<{ token: string }>('/tokens', { name: name.trim(), roles,
        tenants: numbers.length ? numbers : undefined, halls: words(halls).length ? words(halls) : undefined,
        expires: days ? new Date(Date.now() + days * 864e5).toISOString() : null }, { key: key.current });
      made(r?.token ?? '');
    } catch (err) {
      setError(err as ApiError);
    }
  }
  return <Dialog title={K.new} close={close}>
    <form class="form" onSubmit={submit}>
      <label class="field"><span>{K.name}</span><input class="input" value={name} autofocus required maxLength={63}
        placeholder={K.nameHint} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <fieldset class="field roles"><legend>{K.roles}</legend>
        {ROLES.map((r) => <label key={r}><input type="checkbox" checked={roles.includes(r)} onChange={() => turn(r)} />
          <span>{r} <small class="dim">{K.role[r]}</small></span></label>)}</fieldset>
      <div class="cols2">
        <label class="field"><span>{K.tenants}</span><input class="input" value={tenants} placeholder={K.allOf}
          inputMode="numeric" onInput={(e) => setTenants(e.currentTarget.value)} /></label>
        <label class="field"><span>{K.halls}</span><input class="input" value={halls} placeholder={K.allOf}
          onInput={(e) => setHalls(e.currentTarget.value)} /></label></div>
      <label class="field"><span>{K.expires}</span><select class="input" value={days}
        onChange={(e) => setDays(Number(e.currentTarget.value))}>
        {DAYS.map((d) => <option key={d} value={d}>{d ? K.inDays(d) : K.never}</option>)}</select></label>
      {error && <ErrorBox error={error} />}
      <div class="buttons"><button type="button" class="button" onClick={close}>{T.cancel}</button>
        <button type="submit" class="button primary" disabled={!name.trim() || !roles.length}>{K.make}</button></div>
    </form></Dialog>;
}

function Revoke({ t, close, done }: { t: TokenRow; close: () => void; done: () => void }) {
  const [error, setError] = useState<ApiError | null>(null);
  const go = () => send(`/tokens/${encodeURIComponent(t.id)}`, undefined, { method: 'DELETE' })
    .then(() => {
      toast(K.revoked(t.name));
      done();
      close();
    }, setError);
  return <Dialog title={K.revokeTitle(t.name)} close={close}>
    <p>{K.revokeText}</p>{error && <ErrorBox error={error} />}
    <div class="buttons"><button type="button" class="button" onClick={close}>{T.cancel}</button>
      <button type="button" class="button danger" onClick={go}>{K.revoke}</button></div>
  </Dialog>;
}

const isSession = (t: TokenRow) => t.kind === 'session' || t.id.startsWith('s-');

function Row({ t, end }: { t: TokenRow; end: (t: TokenRow) => void }) {
  const here = session.value?.id === t.id;
  return <li class={t.revoked ? 'dim' : ''}>
    <b>{t.name}</b><span class="mono small dim">{isSession(t) ? t.id : t.kind === 'login' ? K.login : `mwt_${t.id}_…`}</span>
    <span class="rows-main">{t.roles.join(', ')}{t.halls?.length ? ` · ${t.halls.join(', ')}` : ''}
      {t.tenants?.length ? ` · ${K.tenantsOf(t.tenants.join(', '))}` : ''}</span>
    {here && <Badge word="busy" text={K.thisOne} />}
    {t.revoked ? <Badge word="out" text={K.ended(time(t.revoked))} />
      : <><span class="dim">{t.expires ? K.until(time(t.expires)) : K.forever}</span>
        <button type="button" class="button small" onClick={() => end(t)}>{K.revoke}</button></>}
  </li>;
}

/** Tokens, and apart from them the browsers that are logged in. */
function Rows({ all, end }: { all: TokenRow[]; end: (t: TokenRow) => void }) {
  const tokens = all.filter((t) => !isSession(t)), sessions = all.filter(isSession);
  return <>
    {tokens.length === 0 ? <EmptyState title={K.none}>{K.noneDo}</EmptyState>
      : <ul class="rows tokens">{tokens.map((t) => <Row key={t.id} t={t} end={end} />)}</ul>}
    {sessions.length > 0 && <><h3>{K.sessions}</h3><p class="dim small">{K.sessionsNote}</p>
      <ul class="rows tokens">{sessions.map((t) => <Row key={t.id} t={t} end={end} />)}</ul></>}
  </>;
}

export function TokensCard() {
  const r = useResource<List<TokenRow>>('/tokens', undefined, { live: false });
  const [making, setMaking] = useState(false);
  const [token, setToken] = useState<string | null>(null);
  const [ending, setEnding] = useState<TokenRow | null>(null);
  return <Card title={K.title} tools={
    <button type="button" class="button small" onClick={() => setMaking(true)}>{K.new}</button>}>
    <Await of={r}>{(d) => <Rows all={d.rows} end={setEnding} />}</Await>
    {making && <NewToken close={() => setMaking(false)} made={(t) => {
      setMaking(false);
      setToken(t);
      r.reload();
    }} />}
    {token && <Shown token={token} close={() => setToken(null)} />}
    {ending && <Revoke t={ending} close={() => setEnding(null)} done={r.reload} />}
  </Card>;
}
