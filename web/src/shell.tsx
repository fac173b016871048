// What surrounds every page: navigation, the top bar, the replay bar, what lies over the page.
import { useState } from 'preact/hooks';
import { may, send, session } from './api';
import { CommandDialog } from './components/command';
import { DefinitionDialog } from './components/definition';
import { Help } from './components/help';
import { Icon } from './components/icons';
import { ModeChip } from './components/mode';
import { EmptyState, Page } from './components/layout';
import { Palette } from './components/palette';
import { ReplayBar } from './components/replay';
import { Toasts } from './components/toast';
import { feedState, siteNow } from './feed';
import { localTime, setLocalTime, time, zone } from './format';
import { openHelp, openPalette } from './overlays';
import { PAGES, pageOf, type PageRow } from './pages';
import { href, place } from './route';
import { T } from './strings';
import { setTheme, theme } from './theme';

const allowed = () => PAGES.filter((p) => !p.needs || may(p.needs));

function NavLink({ page, onClick }: { page: PageRow; onClick?: () => void }) {
  const here = place.value.page === page.id;
  return <a class={here ? 'nav-link here' : 'nav-link'} href={href(page.id)} onClick={onClick}
    aria-current={here ? 'page' : undefined}
    title={page.key ? `${page.title} (g ${page.key})` : page.title}>
    <Icon name={page.icon} /><span>{page.title}</span></a>;
}

function Groups({ onClick }: { onClick?: () => void }) {
  const pages = allowed();
  return <>{(Object.keys(T.nav.groups) as (keyof typeof T.nav.groups)[]).map((g) => {
    const mine = pages.filter((p) => p.group === g && !p.hidden);
    return mine.length > 0 && <div class="nav-group" key={g}>
      <span class="nav-title">{T.nav.groups[g]}</span>
      {mine.map((p) => <NavLink key={p.id} page={p} onClick={onClick} />)}
    </div>;
  })}</>;
}

/** At the side; on a phone at the bottom, with the rest behind "More". */
function Nav() {
  const [open, setOpen] = useState(false);
  const shut = () => setOpen(false);
  return <>
    <nav class="side" aria-label={T.nav.label}><Groups /></nav>
    <nav class="bottom" aria-label={T.nav.label}>
      {allowed().filter((p) => p.phone).slice(0, 4).map((p) =>
        <NavLink key={p.id} page={p} onClick={shut} />)}
      <button type="button" class="nav-link" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="menu" /><span>{T.more}</span></button>
    </nav>
    {open && <div class="sheet" onClick={shut}>
      <div class="sheet-in"><Groups onClick={shut} /></div></div>}
  </>;
}

const NEXT_THEME = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const THEME_ICON = { auto: 'half', light: 'sun', dark: 'moon' } as const;

async function logout() {
  await send('/session', undefined, { method: 'DELETE' }).catch(() => null);
  session.value = null;
}

/** The mark of the program, as in icon.svg. */
const Brand = () => <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
  <path class="a" d="M6 7h5v18H6zM21 7h5v18h-5z" />
  <path class="b" d="M11 7l5 9 5-9v7l-5 9-5-9z" /></svg>;

function Top() {
  const s = session.value!;
  const turn = localTime.value ? T.top.zoneToUtc : T.top.zoneToLocal;
  return <header class={s.replay ? 'top replaying' : 'top'}>
    <a class="brand" href={href('home')} aria-label={`${T.app} ${s.site}`}>
      <Brand /><b>{T.app}</b> <span class="site">{s.site}</span></a>
    <button type="button" class="search" onClick={openPalette}>
      <Icon name="search" /><span>{T.top.search}</span><kbd>{T.top.searchKey}</kbd></button>
    <span class={`feed feed-${feedState.value}`} role="status" title={T.top.feed[feedState.value]}>
      <i aria-hidden="true" /><span>{T.top.feed[feedState.value]}</span></span>
    <ModeChip />
    <button type="button" class="clock" title={turn}
      onClick={() => setLocalTime(!localTime.value)}>
      {siteNow.value ? time(siteNow.value) : T.none} <small>{zone()}</small></button>
    <button type="button" class="icon-button" title={T.top.theme[theme.value]}
      aria-label={T.top.theme[theme.value]} onClick={() => setTheme(NEXT_THEME[theme.value])}>
      <Icon name={THEME_ICON[theme.value]} /></button>
    <button type="button" class="icon-button wide-only" title={`${T.top.help} (?)`}
      aria-label={T.top.help} onClick={openHelp}><Icon name="help" /></button>
    <button type="button" class="icon-button wide-only" aria-label={T.top.logout} onClick={logout}
      title={`${T.top.logout} · ${T.top.user(s.name, s.roles.join(', '))}`}>
      <Icon name="out" /></button>
  </header>;
}

function Missing() {
  return <Page title={T.missing.title}><EmptyState title={T.missing.text}>
    <a href={href('home')}>{T.missing.home}</a></EmptyState></Page>;
}

export function Shell() {
  const p = place.value, page = pageOf(p.page);
  return <div class="shell">
    <a class="skip" href="#main" onClick={(e) => {
      e.preventDefault();
      document.getElementById('main')?.focus();
    }}>{T.skip}</a>
    <Top />
    <ReplayBar />
    <Nav />
    <main id="main" tabIndex={-1}>
      {page && (!page.needs || may(page.needs)) ? page.show(p) : <Missing />}</main>
    <Palette />
    <Help />
    <DefinitionDialog />
    <CommandDialog />
    <Toasts />
  </div>;
}
