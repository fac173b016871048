// Where every GPU lies on the map: hall → row → rack → node → GPU, in cells of one GPU.  A node is
// a line of its GPUs, a rack a block of lines; racks stand in lines, rows below each other, halls
// side by side.  Lines wrap so that the whole fills the screen best.
import type { Layout, LayoutRack } from '../types';

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface RackBox extends Box {
  name: string;
  row: string;
  hall: string;
  firstNode: number;
  nodes: number;
}

export interface Geometry {
  width: number;
  height: number;
  cell: Uint32Array;       // of a GPU: y × width + x
  at: Int32Array;          // of a cell: its GPU, −1 none
  nodeOf: Uint32Array;     // of a GPU
  firstGpu: Uint32Array;   // of a node, and one past the last
  racks: RackBox[];
  rackOf: Uint32Array;     // of a node
  halls: (Box & { name: string })[];
}

const GAP = 1, ROW_GAP = 1, HALL_GAP = 4;
const WIDE = 16;           // GPUs in a line at most: wider nodes take more lines

const lineOf = (gpus: number) => Math.min(WIDE, Math.max(1, gpus));
const linesOf = (gpus: number) => Math.max(1, Math.ceil(gpus / WIDE));

interface RackSize {
  rack: LayoutRack;
  w: number;
  h: number;
}

function sizeOf(l: Layout, rack: LayoutRack): RackSize {
  let w = 1, h = 0;
  for (let n = rack.first_node; n < rack.first_node + rack.nodes; n++) {
    w = Math.max(w, lineOf(l.gpus[n] ?? 0));
    h += linesOf(l.gpus[n] ?? 0);
  }
  return { rack, w, h: Math.max(1, h) };
}

type Placed = { x: number; y: number; size: RackSize; row: string; hall: string };

/** Puts a hall's racks with at most `wide` cells in a line. */
function placeHall(hall: { name: string; rows: { name: string; racks: RackSize[] }[] },
                   wide: number): { w: number; h: number; racks: Placed[] } {
  const racks: Placed[] = [];
  let y = 0, w = 0;
  for (const row of hall.rows) {
    let x = 0, tall = 0;
    for (const size of row.racks) {
      if (x > 0 && x + size.w > wide) {
        y += tall + GAP;
        x = tall = 0;
      }
      racks.push({ x, y, size, row: row.name, hall: hall.name });
      x += size.w + GAP;
      w = Math.max(w, x - GAP);
      tall = Math.max(tall, size.h);
    }
    y += tall + GAP + ROW_GAP;
  }
  return { w, h: Math.max(1, y - GAP - ROW_GAP), racks };
}

interface Plan {
  w: number;
  h: number;
  halls: { name: string; x: number; y: number; w: number; h: number; racks: Placed[] }[];
}

/** All halls, `across` of them beside each other. */
function arrange(halls: { name: string; rows: { name: string; racks: RackSize[] }[] }[],
                 wide: number, across: number): Plan {
  const top = halls.length > 1 ? HALL_GAP : 0;
  const plan: Plan = { w: 0, h: 0, halls: [] };
  let x = 0, y = 0, tall = 0;
  halls.forEach((hall, i) => {
    const p = placeHall(hall, wide);
    if (i % across === 0 && i > 0) {
      y += tall + top;
      x = tall = 0;
    }
    plan.halls.push({ name: hall.name, x, y: y + top, ...p });
    x += p.w + HALL_GAP;
    tall = Math.max(tall, p.h);
    plan.w = Math.max(plan.w, x - HALL_GAP);
    plan.h = Math.max(plan.h, y + top + tall);
  });
  return plan;
}

const WIDE_MAX = 2.5, WIDE_MIN = 0.75;  // a cell's width over its height, so that the screen is used

/** px of a cell where w × h cells are to fill a screen. */
export function fitOf(w: number, h: number, screenW: number, screenH: number) {
  const x = Math.max(1, screenW) / w, y = Math.max(1, screenH) / h;
  return { sx: Math.min(x, y * WIDE_MAX), sy: Math.min(y, x / WIDE_MIN) };
}

/** Of the ways to wrap, the one whose cells come out largest on a screen of this shape. */
function best(l: Layout, screenW: number, screenH: number): Plan {
  const halls = l.halls.map((h) => ({ name: h.name,
    rows: h.rows.map((r) => ({ name: r.name, racks: r.racks.map((k) => sizeOf(l, k)) })) }));
  const longest = Math.max(1, ...halls.flatMap((h) =>
    h.rows.map((r) => r.racks.reduce((w, k) => w + k.w + GAP, 0))));
  let found: Plan | null = null, area = 0;
  for (let parts = 1; parts <= 24; parts++) {
    const wide = Math.ceil(longest / parts);
    for (let across = 1; across <= Math.max(1, Math.min(halls.length, 12)); across++) {
      const plan = arrange(halls, wide, across);
      const fit = fitOf(plan.w, plan.h, screenW, screenH);
      if (fit.sx * fit.sy > area * 1.04) {  // an equal fit keeps rows whole
        found = plan;
        area = fit.sx * fit.sy;
      }
    }
  }
  return found ?? arrange(halls, longest, 1);
}

export function geometryOf(l: Layout, screenW: number, screenH: number): Geometry {
  const plan = best(l, screenW, screenH);
  const width = Math.max(1, plan.w), height = Math.max(1, plan.h);
  const firstGpu = new Uint32Array(l.gpus.length + 1);
  l.gpus.forEach((n, i) => { firstGpu[i + 1] = firstGpu[i]! + n; });
  const total = firstGpu[l.gpus.length] ?? 0;
  const g: Geometry = { width, height, firstGpu, cell: new Uint32Array(total),
    at: new Int32Array(width * height).fill(-1), nodeOf: new Uint32Array(total), racks: [],
    rackOf: new Uint32Array(l.gpus.length),
    halls: plan.halls.map(({ name, x, y, w, h }) => ({ name, x, y, w, h })) };
  for (const hall of plan.halls) for (const p of hall.racks) {
    const { rack } = p.size, x0 = hall.x + p.x, y0 = hall.y + p.y;
    let line = y0;
    for (let n = rack.first_node; n < rack.first_node + rack.nodes; n++) {
      g.rackOf[n] = g.racks.length;
      const gpus = l.gpus[n] ?? 0;
      for (let i = 0; i < gpus; i++) {
        const gpu = firstGpu[n]! + i, c = (line + Math.floor(i / WIDE)) * width + x0 + i % WIDE;
        g.cell[gpu] = c;
        g.at[c] = gpu;
        g.nodeOf[gpu] = n;
      }
      line += linesOf(gpus);
    }
    g.racks.push({ x: x0, y: y0, w: p.size.w, h: p.size.h, name: rack.name, row: p.row,
      hall: hall.name, firstNode: rack.first_node, nodes: rack.nodes });
  }
  return g;
}

/** The cells that a node takes. */
export function nodeBox(g: Geometry, node: number): Box {
  const first = g.firstGpu[node]!, last = g.firstGpu[node + 1]! - 1;
  if (last < first) return { x: 0, y: 0, w: 0, h: 0 };
  const c = g.cell[first]!, x = c % g.width, y = Math.floor(c / g.width);
  const n = last - first + 1;
  return { x, y, w: Math.min(WIDE, n), h: linesOf(n) };
}

/** The nodes that a box of cells touches, in order. */
export function nodesIn(g: Geometry, b: Box): number[] {
  const found = new Set<number>();
  const x1 = Math.min(g.width, Math.ceil(b.x + b.w)), y1 = Math.min(g.height, Math.ceil(b.y + b.h));
  for (let y = Math.max(0, Math.floor(b.y)); y < y1; y++)
    for (let x = Math.max(0, Math.floor(b.x)); x < x1; x++) {
      const gpu = g.at[y * g.width + x]!;
      if (gpu >= 0) found.add(g.nodeOf[gpu]!);
    }
  return [...found].sort((a, b2) => a - b2);
}

/** The next node from one in a direction: left and right in order, up and down by place. */
export function neighbour(g: Geometry, node: number, key: string): number {
  const nodes = g.rackOf.length;
  if (key === 'ArrowLeft') return Math.max(0, node - 1);
  if (key === 'ArrowRight') return Math.min(nodes - 1, node + 1);
  const b = nodeBox(g, node), step = key === 'ArrowUp' ? -1 : 1;
  for (let y = b.y + (step < 0 ? -1 : b.h); y >= 0 && y < g.height; y += step) {
    const gpu = g.at[y * g.width + b.x]!;
    if (gpu >= 0) return g.nodeOf[gpu]!;
  }
  return node;
}
