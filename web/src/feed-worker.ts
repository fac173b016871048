// The one event stream of a browser: a SharedWorker that all tabs hear.  Tabs get at most two
// messages a second.  Without SharedWorker a tab runs the same code itself (feed.ts).
import { follow } from './feed-follow';

interface SharedScope {
  onconnect: ((e: MessageEvent) => void) | null;
}

const ports = new Set<MessagePort>();
let feed: ReturnType<typeof follow> | null = null;

(self as unknown as SharedScope).onconnect = (e) => {
  const port = e.ports[0];
  if (!port) return;
  ports.add(port);
  port.onmessage = (m: MessageEvent) => {
    if (m.data === 'bye') ports.delete(port);
    if (ports.size === 0) {
      feed?.stop();
      feed = null;
    }
  };
  if (feed) port.postMessage(feed.last());
  feed ??= follow((news) => { for (const p of ports) p.postMessage(news); });
};
