// The keyboard: '/' search, 'g' and a letter to go, '?' help.  Nothing while somebody types.
import { openHelp, openPalette } from './overlays';
import { may } from './api';
import { PAGES } from './pages';
import { go, href } from './route';

const GO_MS = 1200;  // how long 'g' waits for its letter

function typing(e: KeyboardEvent): boolean {
  const el = e.target as HTMLElement;
  return el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) ||
    !!document.querySelector('dialog[open]');
}

export function startKeys() {
  let goAt = 0;
  document.addEventListener('keydown', (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === 'k') {
      e.preventDefault();
      openPalette();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
    if (Date.now() - goAt < GO_MS) {
      goAt = 0;
      const page = PAGES.find((p) => p.key === e.key && (!p.needs || may(p.needs)));
      if (page) {
        e.preventDefault();
        go(href(page.id));
      }
    } else if (e.key === 'g') {
      goAt = Date.now();
    } else if (e.key === '/') {
      e.preventDefault();
      openPalette();
    } else if (e.key === '?') {
      openHelp();
    }
  });
}
