// The map as a thing on the page: its canvas, the card under the pointer, the selection, the slider
// of time.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { EmptyState, ErrorBox, Loading } from '../components/layout';
import { Mark, STATES } from '../components/marks';
import { siteNow } from '../feed';
import { count, span, time, timeMs, zone } from '../format';
import { go, href, place, setQuery } from '../route';
import { T } from '../strings';
import { shownTheme } from '../theme';
import type { Layout } from '../types';
import { useHeat, useNode, type Shown } from './fleet-data';
import { geometryOf, neighbour, nodesIn, type Box, type Geometry } from './fleet-geometry';
import { FleetMap } from './fleet-map';
import { paletteOf, ringsOf, type Metric } from './fleet-palette';
import { usePointer } from './fleet-pointer';
import { Legend, RackTable } from './fleet-side';

const F = T.fleet;
const DAY_MS = 864e5, STEP_MS = 3e5;
const KEEP_VIEW_MS = 400;    // after the last move, the view goes into the address
const LIST_MAX = 200;        // nodes that fit into a filter

function HoverCard({ layout, g, gpu, shown, x, y }: {
  layout: Layout; g: Geometry; gpu: number; shown: Shown; x: number; y: number;
}) {
  const index = g.nodeOf[gpu]!, name = layout.nodes[index] ?? '';
  const node = useNode(name);
  const rack = g.racks[g.rackOf[index]!];
  const state = shown.metric === 'state' ? STATES[shown.bytes[gpu] ?? 0] : undefined;
  const C = F.card;
  return <div class="hover-card" style={{ left: `${x}px`, top: `${y}px` }}>
    <p><b>{name}</b> <span class="dim">{C.gpu(gpu - g.firstGpu[index]!)}</span></p>
    <p class="dim">{[rack?.hall, rack?.row, rack?.name].filter(Boolean).join(' / ')}</p>
    {state && <p class="badge"><Mark look={state} />{T.state[state.key]}</p>}
    {node && <>
      <p>{node.health}{node.class ? ` · ${node.class}` : ''}</p>
      {node.job !== null && <p>{C.job} {node.job}{node.tenant ? `, ${node.tenant}` : ''}</p>}
      {node.incident !== null && <p>{C.incident} {node.incident}</p>}
      {node.holds > 0 && <p>{C.holds} {node.holds}</p>}
    </>}
  </div>;
}

const numbers = (text: string | undefined): number[] | null => {
  const n = (text ?? '').split(',').map(Number);
  return text && n.every(Number.isFinite) ? n : null;
};

/** Address → view, once the map has a shape; and back, when somebody moved. */
function useView(map: FleetMap | null, g: Geometry | null) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (!map || !g) return;
    const v = numbers(place.peek().query.view), b = numbers(place.peek().query.brush);
    if (v?.length === 3) {
      const s = map.size(), scale = Math.max(0.2, Math.min(48, v[2]!));
      map.showAll();
      map.setView({ scale, x: v[0]! - s.w / scale / map.view.wide / 2,
        y: v[1]! - s.h / scale / 2 });
    } else {
      map.showAll();
    }
    map.brush = b?.length === 4 ? { x: b[0]!, y: b[1]!, w: b[2]!, h: b[3]! } : null;
  }, [map, g]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      if (!map || place.peek().page !== 'fleet') return;
      const s = map.size(), v = map.view;
      setQuery({ view: map.fit ? null : [v.x + s.w / v.scale / v.wide / 2,
        v.y + s.h / v.scale / 2, v.scale]
        .map((n) => n.toFixed(1)).join(',') });
    }, KEEP_VIEW_MS);
  };
}

function Selection({ map, layout, g, box, shown, clear }: {
  map: FleetMap; layout: Layout; g: Geometry; box: Box; shown: Shown | null; clear: () => void;
}) {
  const nodes = useMemo(() => nodesIn(g, box), [g, box]);
  const gpus = nodes.reduce((n, i) => n + (layout.gpus[i] ?? 0), 0);
  const names = nodes.slice(0, LIST_MAX).map((i) => layout.nodes[i]);
  const bad = shown?.metric === 'state' ? nodes.filter((i) =>
    STATES[shown.bytes[g.firstGpu[i]!] ?? 0]?.bad).length : null;
  return <p class="selection" role="status">
    {F.selected(count(nodes.length), count(gpus))}
    {bad ? <b class="bad">{`${bad} ${F.tableBad.toLowerCase()}`}</b> : null}
    {nodes.length > 0 && nodes.length <= LIST_MAX &&
      <a href={href('nodes', [], { filter: `name in (${names.join(', ')})` })}>{F.listThem}</a>}
    <button class="button small" onClick={() => {
      map.brush = null;
      map.redraw();
      clear();
      setQuery({ brush: null });
    }}>{F.unselect}</button></p>;
}

/** The slider of the last 24 hours. */
function Scrubber({ at }: { at: string | undefined }) {
  const now = siteNow.value;
  const back = at ? Math.max(0, now - (timeMs(at) ?? now)) : 0;
  const set = (ms: number) => setQuery({ metric: null,
    at: ms <= 0 || !now ? null : new Date(now - ms).toISOString().replace(/\.\d+/, '') });
  return <div class="scrub">
    <span class="dim">{F.back(span(DAY_MS))}</span>
    <input type="range" min={0} max={DAY_MS} step={STEP_MS} value={DAY_MS - Math.min(DAY_MS, back)}
      aria-label={F.scrub} title={F.scrub} aria-valuetext={at ? time(at) : F.live}
      onInput={(e) => set(DAY_MS - Number(e.currentTarget.value))} />
    <output class={at ? 'warn nowrap' : 'dim nowrap'}>
      {at ? `${time(at)} ${zone()}` : F.live}</output>
    {at && <button class="button small" onClick={() => setQuery({ at: null })}>{F.live}</button>}
  </div>;
}

/** A map for a canvas, with a geometry for its shape. */
function useMap(layout: Layout) {
  const [canvas, setCanvas] = useState<HTMLCanvasElement | null>(null);
  const [map, setMap] = useState<FleetMap | null>(null);
  useLayoutEffect(() => { if (canvas) setMap(new FleetMap(canvas)); }, [canvas]);
  const g = useMemo(() => {
    if (!map || !canvas) return null;
    const r = canvas.getBoundingClientRect();
    return geometryOf(layout, r.width || 1000, r.height || 600);
  }, [map, layout]);
  useLayoutEffect(() => {
    if (!map || !g || !canvas) return;
    map.setGeometry(g, layout.nodes);
    map.resize();
    const watch = new ResizeObserver(() => map.resize());
    watch.observe(canvas);
    return () => watch.disconnect();
  }, [map, g]);
  return { canvas, setCanvas, map, g };
}

/** The keyboard on the map; says what it is at. */
function keyOn(e: KeyboardEvent, on: {
  map: FleetMap; g: Geometry; zoom: (f: number) => void; all: () => void;
  open: (node: number) => void; at: (node: number) => void;
}) {
  const { map, g } = on;
  if (e.key.startsWith('Arrow')) {
    map.cursor = map.cursor < 0 ? 0 : neighbour(g, map.cursor, e.key);
    map.reveal(map.cursor);
    map.redraw();
    on.at(map.cursor);
  } else if (e.key === 'Enter' && map.cursor >= 0) {
    on.open(map.cursor);
  } else if (e.key === '+' || e.key === '=') {
    on.zoom(1.5);
  } else if (e.key === '-') {
    on.zoom(1 / 1.5);
  } else if (e.key === '0') {
    on.all();
  } else {
    return;
  }
  e.preventDefault();
}

const stateAt = (shown: Shown | undefined, g: Geometry, node: number) =>
  shown?.metric === 'state' ? STATES[shown.bytes[g.firstGpu[node]!] ?? 0] : undefined;

export function MapView({ layout, metric, at }: {
  layout: Layout; metric: Metric; at: string | undefined;
}) {
  const { canvas, setCanvas, map, g } = useMap(layout);
  const [hover, setHover] = useState<{ gpu: number; x: number; y: number } | null>(null);
  const [box, setBox] = useState<Box | null>(null);
  const [said, say] = useState('');
  const { data: shown, error } = useHeat(metric, at);
  const dark = shownTheme.value === 'dark';
  const moved = useView(map, g);
  useEffect(() => setBox(map?.brush ?? null), [map, g]);
  useEffect(() => {
    if (map && shown)
      map.setData(shown.bytes, paletteOf(shown.metric, dark), ringsOf(shown.metric),
        shown.metric === 'state');
  }, [map, g, shown, dark]);
  const open = (node: number) => {
    if (layout.nodes[node]) go(href('nodes', [layout.nodes[node]!]));
  };
  usePointer(map, canvas, {
    hover: (gpu, x, y) => {
      map!.point(gpu);
      setHover(gpu < 0 ? null : { gpu, x, y });
    },
    click: (gpu) => { if (g && gpu >= 0) open(g.nodeOf[gpu]!); },
    brush: (b) => {
      setBox(b);
      setQuery({ brush: b && [b.x, b.y, b.w, b.h].map((n) => n.toFixed(1)).join(',') });
    },
    moved,
  });
  const zoom = (f: number) => {
    const s = map!.size();
    map!.zoom(f, s.w / 2, s.h / 2);
    moved();
  };
  const all = () => {
    map?.showAll();
    moved();
  };
  const key = (e: KeyboardEvent) => {
    if (map && g) keyOn(e, { map, g, zoom, all, open, at: (node) => {
      const s = stateAt(shown, g, node);
      say(`${layout.nodes[node]} ${s ? T.state[s.key] : ''}`);
    } });
  };
  const flip = hover && canvas && hover.x > canvas.clientWidth - 240;
  return <>
    <div class="map">
      <canvas ref={setCanvas} tabIndex={0} role="application" onKeyDown={key}
        aria-label={F.map(count(layout.gpu_total))} onBlur={() => map?.leave()} />
      {hover && g && shown && <HoverCard layout={layout} g={g} gpu={hover.gpu} shown={shown}
        x={flip ? hover.x - 236 : hover.x + 16} y={hover.y + 16} />}
      {!shown && !error && <div class="map-over"><Loading /></div>}
      {error && <div class={at ? 'map-over none' : 'map-over'}>
        {at && error.status === 404 ? <EmptyState title={F.noRecord}>{F.onlyState}</EmptyState>
          : <ErrorBox error={error} />}</div>}
      <span class="sr" role="status">{said}</span>
    </div>
    {map && g && box && <Selection map={map} layout={layout} g={g} box={box} shown={shown ?? null}
      clear={() => setBox(null)} />}
    <div class="map-foot">
      <div class="map-left">
        <div class="map-tools">
          <button class="button small" aria-label={F.zoomIn} title={F.zoomIn}
            onClick={() => zoom(1.5)}>+</button>
          <button class="button small" aria-label={F.zoomOut} title={F.zoomOut}
            onClick={() => zoom(1 / 1.5)}>−</button>
          <button class="button small" onClick={all}>{F.all}</button>
        </div>
        <Scrubber at={at} />
      </div>
      <Legend metric={shown?.metric ?? metric} bytes={shown?.bytes ?? null} dark={dark} />
    </div>
    {g && shown && <RackTable g={g} shown={shown.metric === 'state' ? shown.bytes : null} />}
  </>;
}
