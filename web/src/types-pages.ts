// Documents of /api/v1 that the pages of work, repair and review read; types.ts has the others.
import type { Incident, Job, Node, SiteEvent, Time } from './types';

/** One possible cause of an incident, best first; score in thousandths of a nat. */
export interface Cause {
  component: string;
  seen: number;
  below: number;
  score: number;
}

export interface Symptom {
  incident: number;
  node: string | null;
  class: string;
  freed: boolean;
}

/** What one way to repair is expected to cost. */
export interface Alternative {
  step: string;
  chosen: boolean;
  waits: boolean;
  job_lets_go: string;
  barred: string;
  odds_ppm: number;
  tried: number;
  held: number;
  action_uusd: number;
  part_uusd: number;
  crew_uusd: number;
  waiting_uusd: number;
  harm_uusd: number;
  retry_uusd: number;
  refault_uusd: number;
  total_uusd: number;
}

export interface Step {
  seq: number;
  time: Time;
  step: string;
  job_lets_go: string;
  cost_uusd: number;
  odds_ppm: number;
  rests_on: string;
  done: number | null;
  ended: number | null;
  outcome: 'ok' | 'failed' | 'unknown' | 'pending' | 'not-begun' | 'withdrawn';
  alternatives: Alternative[];
}

/** GET /incidents/{id} */
export interface IncidentStory {
  now?: Time;
  revision?: number;
  incident: number;
  class: string;
  component: string;
  node: string | null;
  open: boolean;
  node_is: string;
  symptom_of: number | null;
  began: Time | null;
  found: Time | null;
  opened: Time | null;
  closed: Time | null;
  lost_gpu_ms: number;
  lost_uusd: number;
  lost_rests_on: string;
  job_let_go: string;
  job_let_go_seq: number | null;
  times_ms: Record<string, number>;
  total_ms: number;
  refaults: number;
  escalated: number;
  left_out: number;
  had_job: boolean;
  findings: SiteEvent[];
  causes: Cause[];
  symptoms: Symptom[];
  steps: Step[];
  timeline: SiteEvent[];
  jobs?: number[];
  advice?: number | { seq: number; text?: string } | null;
  row?: Incident | null;
}

export interface Attempt {
  attempt: number;
  nodes: string;
  node_count: number;
  gpus: number;
  placed: Time | null;
  running: Time | null;
  ended: Time | null;
  how: string;
  from_ms: number;
  progress_ms: number;
  saved_ms: number;
  checkpoint_ms: number;
  failed_node: string | null;
  incident: number | null;
  phases_ms: Record<string, number | null>;
  events: Record<string, number | null>;
}

export interface JobIncident {
  incident: number;
  class: string;
  node: string | null;
  component: string;
  began: Time | null;
  found: Time | null;
  opened: Time | null;
  decided: Time | null;
  closed: Time | null;
  only_advice: boolean;
  events?: Record<string, number | null>;
}

export interface JobCost {
  rests_on: string;
  held_gpu_ms: number;
  productive_gpu_ms: number;
  unreported_gpu_ms: number;
  lost_gpu_ms: number;
  starting_gpu_ms: number;
  checkpoint_gpu_ms: number;
  redone_gpu_ms: number;
  standing_gpu_ms: number;
  unsaved_gpu_ms: number;
  slowed_gpu_ms: number;
  waiting_ms: number;
  lost_uusd?: number | null;
  held_uusd?: number | null;
}

/** GET /jobs/{id} */
export interface JobStory {
  now: string;                 // a sentence; the time is as_of
  as_of?: Time;
  job: number;
  name: string | null;
  tenant: number | string;
  priority: number;
  gpus: number;
  nodes: number;
  engine: string;
  state: string;
  resume: { text: string; saved_ms: number; seq: number | null };
  cost: JobCost;
  record_end: Time | null;
  left_out: number;
  attempts: Attempt[];
  incidents: JobIncident[];
  timeline: SiteEvent[];
  row?: Job | null;
}

export interface QueueRow {
  place: number;
  job: number;
  tenant: number | string | null;
  priority: number;
  gpus: number;
  nodes: number;
  submitted: Time | null;
  waited_ms: number | null;
  attempt: number;
  incident: number | null;
  why: string | null;
  behind: number | null;
  expected_start: Time | null;
  length_ms: number | null;
}

export interface Hold {
  by: string | null;             // 'person 1000', in words
  actor?: number;
  reason: string | null;
  seq: number;
  since: Time | null;
}

export interface NodeTest {
  time: Time;
  gate: string | null;
  passed: boolean | null;
  seq?: number;
  result?: string;
  took_ms?: number | null;
  incident?: number | null;
}

/** GET /nodes/{name} */
export interface NodeDocument {
  now?: Time;
  revision?: number;
  node: Node;
  holds: Hold[];
  gpus: { name: string; slot: number; serial: string | null; state: string; incident: number | null }[];
  links: { name: string; a: string; b: string; optic_a: string | null; optic_b: string | null; state: string;
    incident: number | null }[];
  findings_open: number;
  incidents: { incident: number; class: string; opened: Time | null; closed: Time | null;
    lost_uusd: number | null }[];
  orders: (Pick<Order, 'order' | 'incident' | 'step' | 'do' | 'who' | 'component' | 'state'> &
    Partial<Order>)[];
  tests: NodeTest[];
  timeline: SiteEvent[];
  advice: { seq: number; text: string }[];
  history?: { lemon: boolean; hazard: number; refaults: number; kills: number; out_hours: number;
    yearly_uusd: number; rests_on: string; signals: Record<string, number> } | null;
}

export interface Order {
  order: number;
  incident: number;
  state: string;
  step: string;
  do: string;
  who: string;
  component: string | null;
  serial: string | null;
  part: string | null;
  place: string | null;
  class: string;
  evidence: string | null;
  tools: string | null;
  age_ms: number;
  deadline: Time | null;
  stuck: boolean;
  level: number;
  stake_uusd_per_hour: number;
  rests_on: string;
  symptoms: number;
  warranty: string | null;
}

export interface PartRow {
  part: string;
  stock: number | null;
  coming: number;
  due: Time | null;
  least: number;
  batch: number;
  lead_ms: number;
  cost_uusd: number;
}

export interface SpareRow {
  rule: string;
  kept: number;
  free: number;
  lent: number;
  sized_seq: number | null;
  rate_per_1e9_node_hours: number | null;
  repair_ms: number | null;
  nodes: number | null;
  expected_ppm: number | null;
  quantile_ppm: number | null;
  domain: number | null;
  outs: number | null;
  repairs: number | null;
  rests_on: string;
}

export interface OddsRow {
  class: string;
  step: string;
  who: string;
  prior_ppm: number;
  weight: number;
  seen: number;
  held: number;
  odds_ppm: number;
  rests_on: string;
}

export interface LemonRow {
  node: string;
  health: string;
  verdict: string;
  past: string;
  hazard: number;
  refaults: number;
  out_hours: number;
  yearly_uusd: number;
  excluded: number;
  findings: number;
  tickets: number;
  out: number;
  multi_fails: number;
  single_fails: number;
  single_rate_permille: number;
}

/** A figure over several runs with its 95 % interval. */
export interface Interval {
  mean: number;
  lo: number;
  hi: number;
}

export interface WhatIfRow {
  key: string;
  title: string;
  unit: string;
  baseline: Interval;
  changed: Interval;
  change: Interval;
  verdict: string;
}

export interface WhatIfResult {
  scenario: string;
  runs: number;
  days: number;
  seed: number;
  levers: unknown;
  notes: string[];
  rests_on: string;
  rows: WhatIfRow[];
}

export interface Operation {
  id: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  progress_ppm: number | null;
  result?: WhatIfResult | null;
  error?: string | { detail?: string; title?: string } | null;
}

export interface AuditRow {
  n: number;
  time: Time;
  who: string | null;
  actor: number;
  via: string;
  route: string | null;
  target: string | null;
  status: number;
  seq: number | null;
  detail: string | null;
  left_out?: number;
}

export interface ShadowSide {
  seq: number;
  begin: Time;
  end: Time | null;
  times: number;
  gpu_ms: number;
}

export interface ShadowRow {
  group: 'same' | 'ours' | 'theirs';
  node: string;
  verdict: string | null;
  ours: ShadowSide | null;
  theirs: ShadowSide | null;
  lead_s: number | null;
  class: string | null;
  evidence: string | null;
  only_advice: boolean | null;
  finding: number | null;
  incident: number | null;
  shown_by: number | null;
  reason: string | null;
}

/** GET /shadow */
export interface ShadowReport {
  from: Time | null;
  to: Time;
  window_s: number;
  rests_on: string;
  planned_words: string;
  groups: Record<string, { withdrawals: number; ours_gpu_ms: number; theirs_gpu_ms: number }>;
  ours_first: number;
  theirs_first: number;
  false_drains: number;
  confirmed: number;
  unjudged: number;
  misses: number;
  planned: number;
  engine_down: number;
  rows: ShadowRow[];
}

export interface TokenRow {
  id: string;
  kind?: string;                 // token, login, session
  name: string;
  roles: string[];
  tenants: number[];
  halls: string[];
  created: Time | null;
  expires: Time | null;
  revoked: Time | null;
  login?: boolean;
}
