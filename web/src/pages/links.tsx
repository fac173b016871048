// Links: every cable of the site with its two ends, its optics and its incident.
import { ListTable } from '../components/list';
import { Page } from '../components/layout';
import { Badge } from '../components/marks';
import type { Column } from '../components/table';
import { href } from '../route';
import { T } from '../strings';
import type { Link } from '../types';

const W = T.links;

const columns: Column<Link>[] = [
  { key: 'name', title: W.name, width: 190, grow: 2, keep: 1 },
  { key: 'kind', title: W.kind, width: 90, keep: 4 },
  { key: 'a', title: W.a, width: 150, grow: 1 },
  { key: 'b', title: W.b, width: 150, grow: 1 },
  { key: 'node', title: W.node, width: 130, keep: 4,
    show: (l) => l.node && <a href={href('nodes', [l.node])}>{l.node}</a> },
  { key: 'state', title: W.state, width: 90, keep: 1, show: (l) => <Badge word={l.state} /> },
  { key: 'incident', title: W.incident, width: 80, right: true, keep: 2,
    show: (l) => l.incident && <a href={href('incidents', [l.incident])}>{l.incident}</a> },
];

export function Links() {
  return <Page title={W.title} sub={<a href={href('topology')}>{T.topology.title}</a>}>
    <ListTable<Link> path="/links" label={W.title} columns={columns} filterHint={W.filter}
      rowKey={(l) => l.name} rowHref={(l) => href('links', [l.name])} />
  </Page>;
}
