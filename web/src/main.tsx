// The console's beginning: theme, router, who is logged in, then the shell.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, session } from './api';
import { ErrorBox, Loading } from './components/layout';
import { endFeed, startFeed } from './feed';
import { startKeys } from './keys';
import { Login } from './pages/login';
import { place, startRouter } from './route';
import { Shell } from './shell';
import { startTheme } from './theme';
import type { Session } from './types';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/components.css';
import './styles/pages.css';
import './styles/pages-work.css';

const AGAIN_MS = 3000;

function App() {
  const [error, setError] = useState<ApiError | null>(null);
  const ask = () => {
    get<Session>('/session').then((s) => {
      setError(null);
      session.value = s;
    }, (e: ApiError) => {
      if (e.status === 401 || e.status === 403) {
        session.value = null;
        return;
      }
      setError(e);
      setTimeout(ask, AGAIN_MS);
    });
  };
  // A login is its own answer: who one was before must not come after it.
  useEffect(() => { if (place.value.page !== 'login') ask(); }, []);
  if (place.value.page === 'login' || session.value === null) return <Login />;
  if (session.value) return <Shell />;
  return error ? <main class="login"><ErrorBox error={error} retry={ask} /></main> : <Loading />;
}

startTheme();
startRouter();
startKeys();
effect(() => {
  if (session.value) startFeed();
  else endFeed();
});
render(<App />, document.getElementById('app')!);
