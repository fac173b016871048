// Words of the pages about machines, their readings, and links.
import { many } from './format';

export const M = {
  title: 'Machines',
  sub: 'Machines whose agent, BMC or fabric is heard by this daemon. Every figure here is measured.',
  machine: 'How it is heard', name: 'Machine', node: 'Node', notOfSite: 'not of this site', state: 'Heard', heard: 'Last word',
  agent: 'Agent', says: 'Said by', byAgent: 'its agent', byGather: 'a gatherer', byBoth: 'agent and gatherer',
  series: 'Readings', parts: 'Parts', skew: 'Clock', conditions: 'Not well', checks: 'Checks failed',
  none: 'No machine is heard.', noneDo: 'mw-agent on a machine makes it appear here; docs/agent.md says how.',
  here: (n: number) => `${many(n, 'machine')} measured here, not of the replayed site`,
  hereOne: (name: string) => `Measured here, not of the replayed site: ${name}`,
  since: (t: string) => `since ${t}`,

  live: 'Readings, live', liveSub: 'the last five minutes',
  noReadings: 'No agent is heard from this node.', noReadingsDo: 'Join it: mw-agent join (docs/agent.md).',
  all: (n: string) => `All ${n} readings`, filter: 'gpu power, mlx5_0, temperature …',
  metric: 'Reading', part: 'Part', value: 'Value', drawn: 'Draw it', draw: (m: string) => `Draw ${m}`,
  partsCard: (n: number) => `What it is made of: ${n}`, serial: 'Serial', model: 'Model', fw: 'Firmware',
  peer: 'Wired to', sources: 'Where readings come from', silent: 'silent',
  absentN: (n: number) => `${many(n, 'source')} that this machine does not have`,
  checksCard: 'Last checks', checksNone: 'No check has run: mw-agent check runs one.',
  conditionsCard: 'Not as it should be', conditionsNone: 'Every reading is within its bounds.',
  level: (n: number) => `level ${n}`,
  fast: '10 a second for a minute', fastAbout: 'Asks the agent for readings each 100 ms, for a minute',
  fastTold: 'Asked: readings each 100 ms for a minute',
  skewOf: (us: number) => `${us >= 0 ? '+' : '−'}${Math.abs(us) >= 1000 ? `${(Math.abs(us) / 1000).toFixed(1)} ms`
    : `${Math.abs(us)} µs`}`,
  version: 'Agent’s version', bytes: 'Bytes a frame', coalesced: 'Readings put together',

  link: {
    ends: 'Its two ends', end: 'End', from: 'From', to: 'To', noEnd: 'Nobody reads this end.',
    noEndDo: 'An agent on the node, or mw-gather for the switch, would.',
    advice: 'What the readings say', adviceNone: 'Readings of both ends are needed to say more.',
    history: 'Its history', all: 'All links', optic: 'Optic', copper: 'copper',
  },
};
