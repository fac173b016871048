// Documents of /machines: what agents and gatherers say, measured here.
import type { Time } from './types';

export interface Machine {
  name: string;
  node: string | null;             // of the site's file; null: not of this site
  state: 'heard' | 'silent';
  heard: Time | null;
  agent: boolean;
  gather: boolean;
  version: string | null;
  skew_us: number | null;
  series: number;
  parts: number;
  frames: number;
  bytes: number;
  coalesced: number;
  conditions: number;
  checks_failed: number;
  rests_on: string;
}

export interface MachineValue {
  metric: string;
  doc: string;
  scope: string;
  unit: string;
  kind: 'gauge' | 'counter' | 'state';
  instance: number;
  label: string;
  value: number;
  at: Time;
}

export interface MachinePart {
  scope: string;
  n: number;
  name: string;
  serial: string | null;
  model: string | null;
  fw: string | null;
  pci: string | null;
  peer: string | null;
  peer_port: string | null;
  text: string | null;
}

export interface MachineDocument {
  clock: Time;                     // this daemon's own, also in a replay
  machine: Machine;
  values: MachineValue[];
  parts: MachinePart[];
  sources: { name: string; state: string; text: string | null; since: Time | null }[];
  checks: { time: Time | null; level: number | null; class: string | null; result: string;
    text: string }[];
  conditions: { since: Time | null; class: string; part: string | null; text: string }[];
}

export interface MachineSeries {
  clock: Time;                     // this daemon's own, also in a replay
  machine: string;
  rests_on: string;
  series: { metric: string; unit: string; instance: number; label: string }[];
  t: number[];
  values: (number | null)[][];
}

export interface LinkDocument {
  clock: Time;                     // this daemon's own, also in a replay
  link: { name: string; kind: string; a: string; b: string; node: string | null; state: string;
    optic_a: string | null; optic_b: string | null; incident: number | null };
  ends: { end: 'a' | 'b'; at: string; machine: string | null; port: number | null;
    heard: Time | null; values: MachineValue[] }[];
  advice: { text: string; rests_on: string } | null;
}
