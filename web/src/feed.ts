// What moves: the record's newest sequence, the site's time, the last events; from one stream a
// browser (a SharedWorker), or one a tab where there is none.  Pages read the signals.
import { batch, signal } from '@preact/signals';
import { follow, type News } from './feed-follow';
import type { SiteEvent } from './types';

/** The sequence up to which things may have changed; bumped at most twice a second. */
export const revision = signal(0);
/** The site's time in ms; 0 before anything was heard. */
export const siteNow = signal(0);
export const feedState = signal<News['state']>('opening');
/** The newest events, newest first. */
export const recent = signal<SiteEvent[]>([]);
const RECENT_MAX = 200;

/** A document says what time it is there; the stream may not have. */
export function heardNow(text: string | undefined) {
  const ms = text && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (ms > siteNow.peek()) siteNow.value = ms;
}

function take(news: News) {
  batch(() => {
    feedState.value = news.state;
    if (news.revision && news.revision < revision.value) {  // another record: a new replay
      siteNow.value = 0;
      recent.value = [];
    }
    if (news.revision) revision.value = news.revision;
    heardNow(news.now);
    if (news.events.length)
      recent.value = [...news.events.slice().reverse(), ...recent.value].slice(0, RECENT_MAX);
  });
}

let stopFeed: (() => void) | null = null;

/** Begins to listen; once a login stands. */
export function startFeed() {
  if (stopFeed) return;
  if (typeof SharedWorker === 'function') {
    const worker = new SharedWorker(FEED_WORKER, { name: 'millwright-feed' });
    worker.port.onmessage = (e) => take(e.data as News);
    worker.port.start();
    const bye = () => worker.port.postMessage('bye');
    addEventListener('pagehide', bye);
    stopFeed = () => {
      removeEventListener('pagehide', bye);
      bye();
      worker.port.close();
    };
    return;
  }
  let feed: ReturnType<typeof follow> | null = null;
  const look = () => {
    if (document.hidden) {
      feed?.stop();
      feed = null;
    } else {
      feed ??= follow(take);
    }
  };
  look();
  document.addEventListener('visibilitychange', look);
  stopFeed = () => {
    document.removeEventListener('visibilitychange', look);
    feed?.stop();
  };
}

export function endFeed() {
  stopFeed?.();
  stopFeed = null;
  feedState.value = 'opening';
}
