import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Layout } from '../types';
import { geometryOf, neighbour, nodeBox, nodesIn } from './fleet-geometry';

/** halls × rows × racks of `per` nodes with `gpus` each. */
function site(halls: number, rows: number, racks: number, per: number, gpus: number): Layout {
  let n = 0;
  const l: Layout = { halls: [], nodes: [], gpus: [], gpu_total: 0 };
  for (let h = 0; h < halls; h++) l.halls.push({ name: `h${h}`, rows: Array.from({ length: rows },
    (_, r) => ({ name: `r${r}`, racks: Array.from({ length: racks }, (__, k) => {
      const rack = { name: `k${k}`, first_node: n, nodes: per };
      n += per;
      return rack;
    }) })) });
  l.nodes = Array.from({ length: n }, (_, i) => `n${i}`);
  l.gpus = l.nodes.map(() => gpus);
  l.gpu_total = n * gpus;
  return l;
}

function whole(l: Layout, w: number, h: number) {
  const g = geometryOf(l, w, h);
  const seen = new Set<number>();
  for (let i = 0; i < l.gpu_total; i++) {
    const c = g.cell[i]!;
    assert.ok(c < g.width * g.height, `GPU ${i} lies outside`);
    assert.ok(!seen.has(c), `two GPUs in cell ${c}`);
    seen.add(c);
    assert.equal(g.at[c], i);
  }
  return g;
}

test('every GPU has a cell of its own, found again from the cell', () => {
  whole(site(1, 10, 10, 4, 8), 1100, 500);
  whole(site(4, 30, 40, 2, 72), 1600, 900);
  whole(site(3, 2, 5, 18, 4), 390, 500);
});

test('a site without racks, or with an empty node, is a map all the same', () => {
  const none = geometryOf({ halls: [], nodes: [], gpus: [], gpu_total: 0 }, 100, 100);
  assert.equal(none.cell.length, 0);
  const l = site(1, 1, 1, 3, 8);
  l.gpus[1] = 0;
  l.gpu_total = 16;
  whole(l, 100, 100);
});

test('250,000 GPUs use most of a wide screen', () => {
  const g = whole(site(4, 25, 40, 8, 8), 1600, 900);
  assert.equal(g.cell.length, 256_000);
  const scale = Math.min(1600 / g.width, 900 / g.height);
  assert.ok(scale > 1.4, `cells of ${scale} px`);
});

test('a box selects the nodes it touches', () => {
  const g = whole(site(1, 2, 3, 4, 8), 600, 300);
  assert.deepEqual(nodesIn(g, nodeBox(g, 5)), [5]);
  assert.equal(nodesIn(g, { x: 0, y: 0, w: g.width, h: g.height }).length, 24);
  assert.deepEqual(nodesIn(g, { x: -9, y: -9, w: 3, h: 3 }), []);
});

test('arrows reach every node and never leave the map', () => {
  const g = whole(site(1, 2, 3, 4, 8), 600, 300);
  assert.equal(neighbour(g, 0, 'ArrowLeft'), 0);
  assert.equal(neighbour(g, 0, 'ArrowRight'), 1);
  assert.equal(neighbour(g, 0, 'ArrowDown'), 1);
  assert.equal(neighbour(g, 23, 'ArrowRight'), 23);
  assert.equal(neighbour(g, 0, 'ArrowUp'), 0);
});
