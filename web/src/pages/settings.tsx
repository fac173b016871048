// Who am I, what may I, how the console looks; tokens for who administers.
import { may, send, session } from '../api';
import { Card, Facts, Page } from '../components/layout';
import { useModes } from '../components/mode';
import { localTime, setLocalTime } from '../format';
import { P } from '../strings-pages';
import { T } from '../strings';
import { setTheme, theme } from '../theme';
import { TokensCard } from './tokens';

const S = P.settings;

function LookCard() {
  return <Card title={S.look}>
    <div class="field"><span>{S.theme}</span><div class="segments">
      {(['auto', 'light', 'dark'] as const).map((t) => <button key={t} type="button"
        class={theme.value === t ? 'button on' : 'button'} aria-pressed={theme.value === t}
        onClick={() => setTheme(t)}>{S.themes[t]}</button>)}</div></div>
    <div class="field"><span>{S.times}</span><div class="segments">
      {[false, true].map((local) => <button key={String(local)} type="button"
        class={localTime.value === local ? 'button on' : 'button'} aria-pressed={localTime.value === local}
        onClick={() => setLocalTime(local)}>{local ? S.local : S.utc}</button>)}</div></div>
  </Card>;
}

export function Settings() {
  const s = session.value!, modes = useModes();
  async function logout() {
    await send('/session', undefined, { method: 'DELETE' }).catch(() => null);
    session.value = null;
  }
  return <Page title={S.title} tools={<button type="button" class="button" onClick={logout}>{T.top.logout}</button>}>
    <div class="cols">
      <Card title={S.who}>
        <Facts rows={[[S.name, s.name], [S.roles, s.roles.join(', ') || S.noRole],
          [S.tenants, s.tenants?.length ? s.tenants.join(', ') : S.allOfThem],
          [S.halls, s.halls?.length ? s.halls.join(', ') : S.allOfThem],
          [S.modes, modes?.halls ?? null], [S.site, s.site], [S.version, s.version]]} />
        <h3>{S.mays}</h3>
        <ul class="mays">{Object.keys(S.may).map((p) => <li key={p} class={may(p) ? '' : 'dim'}>
          <span aria-hidden="true">{may(p) ? '✓' : '–'}</span>
          <span>{S.may[p]}{!may(p) && <span class="sr"> ({S.notYou})</span>}</span></li>)}</ul>
      </Card>
      <LookCard />
    </div>
    {may('admin') && <TokensCard />}
  </Page>;
}
