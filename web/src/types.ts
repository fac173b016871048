// The documents of /api/v1 that the console reads.  Times are RFC 3339, lengths _ms, money _uusd
// (millionths of a dollar), shares _ppm.  What a server newer than this console adds is ignored.

export type Health = string;
export type Basis = 'measured' | 'trace' | 'modelled';
export type Time = string;

/** Every list: {kind, now, revision, total, rows, next}. */
export interface List<Row> {
  kind?: string;
  now?: Time;
  revision?: number;
  total?: number;
  rows: Row[];
  next?: string | null;
  left_out?: number;
  /** What each field rests on, where it is a figure. */
  rests_on?: Record<string, string>;
}

export interface Session {
  name: string;
  actor?: number;                // the number that the record has for this person
  roles: string[];
  permissions: string[];
  tenants: string[];
  halls: string[];
  csrf: string;
  id?: string;                   // of this login among the tokens
  site: string;
  version: string;
  replay: boolean;
}

export interface SiteEvent {
  seq: number;
  time: Time;
  kind: string;
  text: string;
  about?: EventAbout | null;
  actor?: string | number | null;
}

/** What an event is about; keys that do not apply are left out. */
export interface EventAbout {
  job?: number;
  incident?: number;
  node?: string;
  part?: string;
}

export interface LostRow {
  cause: number;
  class: string;
  gpu_ms: number;
  uusd: number;
}

export interface JobAtRisk {
  job: number;
  gpus?: number;
  why: string;
  unsaved_ms: number;
  stake_uusd: number;
}

export interface Changed {
  since_seq: number;
  incidents_opened: number;
  incidents_closed: number;
  jobs_stopped: number;
  jobs_ended: number;
  orders_closed: number;
  lost_uusd: number;
  top: SiteEvent[];
}

export interface Summary {
  now: Time;
  revision: number;
  goodput_ppm: number | null;
  ettr_ppm: number | null;
  goodput_total_ppm?: number | null;
  whole_site?: boolean;          // false: the rest is not this principal's to see
  guard_tripped?: boolean;
  gpus: number | null;
  gpus_healthy: number | null;
  gpus_busy: number | null;
  today_from?: Time | null;
  lost_today_uusd: number | null;
  lost_today: LostRow[] | null;
  lost_total_uusd: number | null;
  power: { drawn_w: number | null; cap_w: number | null; rests_on: string } | null;
  incidents_open: number | null;
  orders_stuck: number | null;
  jobs_running: number | null;
  jobs_queued: number | null;
  advice_waiting: number | null;
  jobs_at_risk: JobAtRisk[];
  rests_on: Record<string, string>;
  changed?: Changed | null;
}

export interface Incident {
  incident: number;
  class: string;
  on: string | null;
  place: string | null;
  state: string;
  node?: string | null;
  opened?: Time | null;
  closed?: Time | null;
  age_ms: number;
  findings: number;
  symptoms: number;
  symptom_of: number | null;
  lost_gpu_ms: number;
  lost_uusd: number;
  stake_uusd_per_hour: number;
  rests_on: string;
  next: string | null;
  jobs?: number[];
  advice?: number | null;
}

export interface Job {
  job: number;
  name: string | null;
  tenant: number | string | null;
  state: string;
  gpus: number;
  nodes: number;
  priority: number;
  interruptible: boolean;
  attempt: number;
  submitted: Time | null;
  started: Time | null;
  progress_ms: number | null;
  work_ms: number | null;
  saved_ms: number | null;
  unsaved_ms: number | null;
  next_checkpoint_ms: number | null;
  expected_end: Time | null;
  incident: number | null;
  risk: string | null;
}

export interface Node {
  name: string;
  hall: string | null;
  row: string | null;
  rack: string | null;
  model: string | null;
  gpus: number;
  health: Health;
  state: string;
  schedulable: boolean;
  holds: number;
  job: number | null;
  tenant: number | string | null;
  incident: number | null;
  class: string | null;
  hazard: number | null;
  lost_uusd: number | null;
  power_w: number | null;
}

export interface Link {
  name: string;
  kind: string;
  a: string;
  b: string;
  node: string | null;
  optic_a: string | null;
  optic_b: string | null;
  state: string;
  incident: number | null;
}

export interface LayoutRack {
  name: string;
  first_node: number;
  nodes: number;
}

export interface Layout {
  halls: { name: string; rows: { name: string; racks: LayoutRack[] }[] }[];
  nodes: string[];
  gpus: number[];
  gpu_total: number;
}

export interface TopologyGroup {
  name: string;             // a host list
  group: number;
  block: number | null;
  pod: number | null;
  nodes: number;
  free: number;
  jobs: number[];
  spares: number;
  out?: number;             // down, in repair, at the gate or held
}

export interface TopologySwitch {
  name: string;
  links: number;
  links_down: number;
  down?: boolean;
}

export interface Topology {
  now: Time;
  revision: number;
  groups: TopologyGroup[];
  idle_segments: { size: number; count: number }[];
  rails: number | null;
  leaves: TopologySwitch[];
  spines: TopologySwitch[];
}

export interface Definition {
  key: string;
  title: string;
  unit: string;
  text: string;
  formula: string | null;
  basis: string;
  source: string | null;
}

export interface ReplayState {
  replaying: boolean;
  scenario: string;
  start: Time;
  end: Time;
  now: Time;
  speed: number;
  paused: boolean;
  state: 'playing' | 'paused' | 'seeking' | 'ended';
  rests_on: string;
}

export interface SeriesDocument {
  names: string[];
  t: number[];
  values: (number | null)[][];
}

/** What a command would do: POST /commands?dryRun=1. */
export interface DryRun {
  would?: { verb: string; nodes?: string[];
    jobs?: { job: number; gpus: number; unsaved_gpu_ms: number; stops?: string }[];
    notes?: string[] };
  blast?: { nodes: number; jobs: number; gpus: number; gpu_ms_lost: number; lost_uusd: number;
    rests_on: string };
}

/** RFC 9457. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  hint?: string;
  field?: string;
  trace_id?: string;
}
