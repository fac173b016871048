// Every page of the console: one row each.  The shell makes navigation, keys, the palette and the
// router from this table.
import type { ComponentChildren } from 'preact';
import type { IconName } from './components/icons';
import type { Place } from './route';
import { T } from './strings';
import { Audit } from './pages/audit';
import { Events } from './pages/events';
import { Fleet } from './pages/fleet';
import { Home } from './pages/home';
import { IncidentPage } from './pages/incident';
import { Incidents } from './pages/incidents';
import { JobPage } from './pages/job';
import { Jobs } from './pages/jobs';
import { LinkPage } from './pages/link';
import { Links } from './pages/links';
import { MachinePage } from './pages/machine';
import { Machines } from './pages/machines';
import { NodePage } from './pages/node';
import { Nodes } from './pages/nodes';
import { Orders } from './pages/orders';
import { Parts } from './pages/parts';
import { Queue } from './pages/queue';
import { Settings } from './pages/settings';
import { Shadow } from './pages/shadow';
import { TopologyPage } from './pages/topology';
import { WhatIf } from './pages/whatif';

export interface PageRow {
  id: string;                                      // #/id
  title: string;
  group: keyof typeof T.nav.groups;
  icon: IconName;
  key?: string;                                    // after g
  phone?: boolean;                                 // in the bar at the bottom of a phone
  needs?: string;                                  // a permission of /session
  hidden?: boolean;                                // not in the navigation: reached by links, search
  show: (place: Place) => ComponentChildren;
}

export const PAGES: PageRow[] = [
  { id: 'home', title: T.nav.home, group: 'watch', icon: 'home', key: 'h', phone: true,
    show: () => <Home /> },
  { id: 'incidents', title: T.nav.incidents, group: 'watch', icon: 'incidents', key: 'i', phone: true,
    show: (p) => p.args[0] ? <IncidentPage key={p.args[0]} id={p.args[0]} /> : <Incidents /> },
  { id: 'fleet', title: T.nav.fleet, group: 'watch', icon: 'fleet', key: 'f', phone: true,
    show: () => <Fleet /> },
  { id: 'topology', title: T.nav.topology, group: 'watch', icon: 'topology', key: 't',
    show: () => <TopologyPage /> },
  { id: 'links', title: T.links.title, group: 'watch', icon: 'topology', hidden: true,
    show: (p) => p.args[0] ? <LinkPage key={p.args[0]} name={p.args[0]} /> : <Links /> },
  { id: 'jobs', title: T.nav.jobs, group: 'work', icon: 'jobs', key: 'j',
    show: (p) => p.args[0] ? <JobPage key={p.args[0]} id={p.args[0]} /> : <Jobs /> },
  { id: 'queue', title: T.nav.queue, group: 'work', icon: 'queue', key: 'q', show: () => <Queue /> },
  { id: 'nodes', title: T.nav.nodes, group: 'work', icon: 'nodes', key: 'n',
    show: (p) => p.args[0] ? <NodePage key={p.args[0]} name={p.args[0]} /> : <Nodes /> },
  { id: 'machines', title: T.nav.machines, group: 'watch', icon: 'machines', key: 'm',
    show: (p) => p.args[0] ? <MachinePage key={p.args[0]} name={p.args[0]} /> : <Machines /> },
  { id: 'orders', title: T.nav.orders, group: 'repair', icon: 'orders', key: 'o', phone: true,
    show: (p) => <Orders id={p.args[0]} /> },
  { id: 'parts', title: T.nav.parts, group: 'repair', icon: 'parts', key: 'p', show: () => <Parts /> },
  { id: 'whatif', title: T.nav.whatif, group: 'review', icon: 'whatif', key: 'w', show: () => <WhatIf /> },
  { id: 'shadow', title: T.nav.shadow, group: 'review', icon: 'shadow', show: () => <Shadow /> },
  { id: 'audit', title: T.nav.audit, group: 'review', icon: 'audit', key: 'a', needs: 'audit',
    show: () => <Audit /> },
  { id: 'events', title: T.nav.events, group: 'review', icon: 'events', key: 'e',
    show: (p) => <Events seq={p.args[0]} /> },
  { id: 'settings', title: T.nav.settings, group: 'review', icon: 'settings', key: 's',
    show: () => <Settings /> },
];

export const pageOf = (id: string) => PAGES.find((p) => p.id === id);
