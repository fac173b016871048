// Logging in: by the one-time link (#/login/CODE), or with the code typed.
import { useEffect, useState } from 'preact/hooks';
import { get, send, session, type ApiError } from '../api';
import { go, href, place } from '../route';
import { T } from '../strings';
import type { Session } from '../types';

async function logIn(code: string) {
  session.value = await send<Session>('/session', { code });
  go(href('home'), true);  // the code is spent and need not stay in the address
}

/** Where a provider's login begins; null without one. */
function useProvider(): string | null {
  const [begin, set] = useState<string | null>(null);
  useEffect(() => {
    get<{ oidc: boolean; begin: string | null }>('/login').then((d) => set(d.oidc ? d.begin : null),
      () => set(null));  // the code logs in all the same
  }, []);
  return begin;
}

export function Login() {
  const begin = useProvider();
  const p = place.value;
  const fromLink = p.page === 'login' ? p.args[0] : undefined;
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(!!fromLink);
  const [error, setError] = useState<string | null>(null);
  const attempt = (c: string) => {
    setBusy(true);
    logIn(c).catch((e: ApiError) => {
      setBusy(false);
      setError(e.status === 0 ? T.error.offline : e.message || T.login.failed);
    });
  };
  useEffect(() => {
    document.title = `${T.login.title} · ${T.app}`;
    if (fromLink) attempt(fromLink);
  }, [fromLink]);
  return <main class="login"><div class="card">
    <h1>{T.app}</h1>
    {busy ? <p role="status">{T.login.busy}</p> : <>
      {error && <p class="filter-error" role="alert">{error}</p>}
      <p>{T.login.how}</p>
      <p class="dim">{T.login.again}</p>
      <form class="form" onSubmit={(e) => {
        e.preventDefault();
        if (code.trim()) attempt(code.trim());
      }}>
        <label class="field"><span>{T.login.code}</span>
          <input class="input mono" value={code} autofocus autocomplete="off" spellcheck={false}
            onInput={(e) => setCode(e.currentTarget.value)} /></label>
        <div class="buttons"><button class="button primary" disabled={!code.trim()}>
          {T.login.submit}</button></div>
      </form>
      {begin && <p><a class="button" href={begin}>{T.login.oidc}</a></p>}
    </>}
  </div></main>;
}
