// Mouse and fingers on the map: drag moves, wheel and two fingers zoom, Shift and drag selects, a
// click opens.
import { useEffect, useRef } from 'preact/hooks';
import type { Box } from './fleet-geometry';
import type { FleetMap } from './fleet-map';

interface Drag {
  x: number;
  y: number;
  moved: boolean;
  brush: boolean;
  from: { x: number; y: number };
}

export function usePointer(map: FleetMap | null, canvas: HTMLCanvasElement | null, on: {
  hover: (gpu: number, x: number, y: number) => void;
  click: (gpu: number) => void;
  brush: (b: Box | null) => void;
  moved: () => void;
}) {
  const now = useRef(on);
  now.current = on;
  useEffect(() => {
    if (!map || !canvas) return;
    const down = new Map<number, Drag>();
    const at = (e: MouseEvent) => {
      const r = canvas.getBoundingClientRect();
      return { x: e.clientX - r.left, y: e.clientY - r.top };
    };
    const start = (e: PointerEvent) => {
      if (e.button !== 0) return;
      const p = at(e);
      canvas.setPointerCapture(e.pointerId);
      down.set(e.pointerId, { ...p, moved: false, brush: e.shiftKey, from: map.toCell(p.x, p.y) });
    };
    const pinch = (d: Drag, other: Drag, p: { x: number; y: number }) => {
      const before = Math.hypot(d.x - other.x, d.y - other.y);
      const after = Math.hypot(p.x - other.x, p.y - other.y);
      if (before > 10) map.zoom(after / before, (p.x + other.x) / 2, (p.y + other.y) / 2);
      d.moved = other.moved = true;
    };
    const move = (e: PointerEvent) => {
      const p = at(e), d = down.get(e.pointerId);
      if (!d) {
        now.current.hover(e.pointerType === 'mouse' ? map.hit(p.x, p.y) : -1, p.x, p.y);
        return;
      }
      now.current.hover(-1, 0, 0);
      if (!d.moved && Math.hypot(p.x - d.x, p.y - d.y) < 4) return;
      const other = [...down.entries()].find(([id]) => id !== e.pointerId)?.[1];
      if (other) {
        pinch(d, other, p);
      } else if (d.brush) {
        const c = map.toCell(p.x, p.y);
        map.brush = { x: Math.min(c.x, d.from.x), y: Math.min(c.y, d.from.y),
          w: Math.abs(c.x - d.from.x), h: Math.abs(c.y - d.from.y) };
        map.redraw();
      } else {
        map.pan(p.x - d.x, p.y - d.y);
      }
      d.moved = true;
      d.x = p.x;
      d.y = p.y;
    };
    const end = (e: PointerEvent) => {
      const d = down.get(e.pointerId), p = at(e);
      down.delete(e.pointerId);
      if (!d || e.type === 'pointercancel') return;
      if (d.brush && d.moved) now.current.brush(map.brush);
      else if (d.moved) now.current.moved();
      else now.current.click(map.hit(p.x, p.y));
    };
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      const p = at(e);
      map.zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0016)), p.x, p.y);
      now.current.moved();
    };
    const leave = () => now.current.hover(-1, 0, 0);
    canvas.addEventListener('pointerdown', start);
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerup', end);
    canvas.addEventListener('pointercancel', end);
    canvas.addEventListener('pointerleave', leave);
    canvas.addEventListener('wheel', wheel, { passive: false });
    return () => {
      canvas.removeEventListener('pointerdown', start);
      canvas.removeEventListener('pointermove', move);
      canvas.removeEventListener('pointerup', end);
      canvas.removeEventListener('pointercancel', end);
      canvas.removeEventListener('pointerleave', leave);
      canvas.removeEventListener('wheel', wheel);
    };
  }, [map, canvas]);
}

