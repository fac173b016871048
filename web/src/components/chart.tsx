// Lines over time, drawn by uPlot in the colours of the theme; and a small line without axes.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { localTime, time } from '../format';
import { shownTheme, token } from '../theme';

export interface ChartLine {
  name: string;
  color: string;                        // a token: '--c-busy'
  show?: (v: number | null) => string;
  fill?: boolean;
  width?: number;
  dash?: number[];
}

export interface ChartProps {
  label: string;                        // read out, and the title on hover
  t: number[];                          // ms
  values: (number | null)[][];          // a row a line
  lines: ChartLine[];
  height?: number;
  min?: number | null;                  // the axis begins here at the latest
  max?: number | null;
  axis?: (v: number) => string;
  markers?: { t: number; text: string; color?: string }[];
  onZoom?: (fromMs: number, toMs: number) => void;
}

function markerPlugin(markers: NonNullable<ChartProps['markers']>): uPlot.Plugin {
  return { hooks: { draw: (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    for (const m of markers) {
      const x = u.valToPos(m.t / 1000, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = token(m.color ?? '--c-down');
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.beginPath();
      ctx.moveTo(x - 4 * devicePixelRatio, bbox.top);
      ctx.lineTo(x + 4 * devicePixelRatio, bbox.top);
      ctx.lineTo(x, bbox.top + 6 * devicePixelRatio);
      ctx.fill();
    }
    ctx.restore();
  } } };
}

/** A time on the axis: the hour, with the day where a new one begins; or days alone. */
function tick(s: number, before: number | undefined, step: number): string {
  const text = time(s * 1000), day = text.slice(5, 10);
  if (step >= 86_400) return day;
  return before === undefined || time(before * 1000).slice(0, 10) !== text.slice(0, 10)
    ? `${text.slice(11)}\n${day}` : text.slice(11);
}

function optionsOf(p: ChartProps, width: number): uPlot.Options {
  const text = token('--text-dim'), line = token('--line');
  const font = `11px ${token('--font')}`;
  const axis = { stroke: text, font, grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 } };
  return {
    width, height: p.height ?? 180, ms: 1e-3, padding: [8, 8, 0, 0],
    tzDate: (ts) => localTime.value ? new Date(ts * 1000)
      : uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC'),
    legend: { show: true, live: true },
    cursor: { y: false, drag: { x: !!p.onZoom, y: false, setScale: false } },
    scales: { y: { range: (_u, lo, hi) => {
      const a = p.min ?? lo, b = p.max ?? hi;
      return [Math.min(a, lo ?? a), Math.max(b, hi ?? b, (lo ?? a) + 1e-9)];
    } } },
    axes: [{ ...axis, space: 76,
      values: (_u, v) => v.map((x, i) => tick(x, v[i - 1], v[1]! - v[0]!)) },
      { ...axis, size: 56, values: (_u, v) => v.map((x) => p.axis?.(x) ?? String(x)) }],
    series: [{ label: '', value: (_u, v) => v === null ? '' : time(v * 1000) },
      ...p.lines.map((l) => ({
        label: l.name, stroke: token(l.color), width: l.width ?? 1.5, dash: l.dash,
        fill: l.fill ? `${token(l.color)}22` : undefined, points: { show: false },
        value: (_u: uPlot, v: number | null) => l.show?.(v) ?? String(v ?? ''),
      }))],
    plugins: p.markers?.length ? [markerPlugin(p.markers)] : [],
    hooks: { setCursor: [showLast], setSelect: [(u) => {
      if (!p.onZoom || u.select.width < 4) return;
      p.onZoom(u.posToVal(u.select.left, 'x') * 1000,
        u.posToVal(u.select.left + u.select.width, 'x') * 1000);
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }] },
  };
}

/** The legend says the newest values until a pointer asks for others. */
function showLast(u: uPlot) {
  setTimeout(() => {
    const none = u.cursor.idx === null || u.cursor.idx === undefined;
    if (none && u.root.isConnected) u.setLegend({ idx: u.data[0].length - 1 }, false);
  });
}

export function Chart(p: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const dark = shownTheme.value, zone = localTime.value;
  const data = [p.t.map((t) => t / 1000), ...p.values] as uPlot.AlignedData;
  const look = JSON.stringify([p.lines.map((l) => [l.name, l.color]), p.markers, p.height, dark,
    zone]);
  useEffect(() => {
    const el = box.current!;
    const u = plot.current = new uPlot(optionsOf(p, el.clientWidth || 300), data, el);
    const watch = new ResizeObserver(() => {
      if (el.clientWidth && el.clientWidth !== u.width)
        u.setSize({ width: el.clientWidth, height: p.height ?? 180 });
    });
    watch.observe(el);
    return () => {
      watch.disconnect();
      u.destroy();
    };
  }, [look]);
  useEffect(() => {
    const u = plot.current;
    if (!u) return;
    u.setData(data);
    showLast(u);
  }, [p.t, p.values, look]);
  return <div class="chart" ref={box} role="img" aria-label={p.label} />;
}

/** A line of the last values, as high as a line of text. */
export function Spark({ values, label, color = '--accent', width = 96, height = 24 }: {
  values: (number | null)[]; label: string; color?: string; width?: number; height?: number;
}) {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) return null;
  const lo = Math.min(...known), hi = Math.max(...known), range = hi - lo || 1;
  const x = (i: number) => (i / (values.length - 1)) * width;
  const y = (v: number) => 2 + (1 - (v - lo) / range) * (height - 4);
  let d = '', pen = false;
  values.forEach((v, i) => {
    if (v !== null) d += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = v !== null;
  });
  return <svg class="spark" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}
    preserveAspectRatio="none"><path d={d} style={{ stroke: `var(${color})` }} /></svg>;
}

/** A bar of parts, each with its colour: [{share, color, title}]; shares add up to 1 at most. */
export function PartsBar({ parts, label }: {
  parts: { share: number; color: string; title: string }[]; label: string;
}) {
  return <div class="parts-bar" role="img" aria-label={label}>
    {parts.filter((p) => p.share > 0).map((p) => <i key={p.title} title={p.title}
      style={{ width: `${p.share * 100}%`, background: `var(${p.color})` }} />)}
  </div>;
}
