// The map itself: one pixel a GPU on a hidden canvas, drawn larger without smoothing, and over it
// what must never be too small to see.  Owns a canvas; knows nothing of pages or the API.
import { token } from '../theme';
import { css } from './fleet-palette';
import { fitOf, nodeBox, type Box, type Geometry, type RackBox } from './fleet-geometry';

export interface View {
  scale: number;   // px a cell is high
  wide: number;    // times as wide as high
  x: number;       // cell at the left edge
  y: number;
}

const RING_PX = 5;          // half the least size of the ring around what is broken
const RING_UNTIL_PX = 12;   // cells this large need none
const GRID_FROM_PX = 6, MARK_FROM_PX = 9, NAME_FROM_PX = 10, NODE_FROM_PX = 20;
const SCALE_MAX = 48;
const RINGS_THIN_FROM = 200, IN_REPAIR = 7;
const RINGS_MAX = 6000, MARKS_MAX = 4000;  // drawn at most; more would cover the map anyway

/** Values that get a ring. */
export type Rings = (value: number) => boolean;

export class FleetMap {
  view: View = { scale: 1, wide: 1, x: 0, y: 0 };
  hover = -1;
  cursor = -1;              // node that the keyboard is at
  brush: Box | null = null;
  frames = 0;
  private readonly ctx: CanvasRenderingContext2D;
  private readonly small = document.createElement('canvas');
  private geometry: Geometry | null = null;
  private image: ImageData | null = null;
  private pixels: Uint32Array = new Uint32Array(0);
  private bytes: Uint8Array | null = null;
  private palette: Uint32Array = new Uint32Array(256);
  private rings: Rings = () => false;
  private states = false;
  private names: string[] = [];   // of the nodes
  private bad: number[] = [];   // nodes × 2 + 1 when all of it is, single GPUs else: see findBad
  private queued = false;
  private fitted = true;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ctx = canvas.getContext('2d', { alpha: false })!;
  }

  get fit() { return this.fitted; }

  /** px a cell is wide; where a cell's corner lies on the screen. */
  private get sx() { return this.view.scale * this.view.wide; }
  private px(x: number) { return (x - this.view.x) * this.sx; }
  private py(y: number) { return (y - this.view.y) * this.view.scale; }

  setGeometry(g: Geometry, names: string[]) {
    this.geometry = g;
    this.names = names;
    this.small.width = g.width;
    this.small.height = g.height;
    this.image = new ImageData(g.width, g.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.paint();
  }

  /** New values; `rings`: which of them must be seen at any size; `states`: they are states, and
   * those get marks besides. */
  setData(bytes: Uint8Array, palette: Uint32Array, rings: Rings, states: boolean) {
    this.bytes = bytes;
    this.palette = palette;
    this.rings = rings;
    this.states = states;
    this.paint();
  }

  private paint() {
    const g = this.geometry, b = this.bytes;
    if (!g || !b || !this.image) return;
    const { cell } = g, p = this.palette, px = this.pixels, n = Math.min(b.length, cell.length);
    for (let i = 0; i < n; i++) px[cell[i]!] = p[b[i]!]!;
    this.small.getContext('2d')!.putImageData(this.image, 0, 0);
    this.bad = this.findBad(g, b);
    this.redraw();
  }

  /** What gets a ring: a node as a whole when it is bad, else its bad GPUs. */
  private findBad(g: Geometry, b: Uint8Array): number[] {
    const found: number[] = [], nodes = g.firstGpu.length - 1;
    for (let n = 0; n < nodes && found.length < RINGS_MAX; n++) {
      const first = g.firstGpu[n]!, end = g.firstGpu[n + 1]!;
      let count = 0;
      for (let i = first; i < end; i++) if (this.rings(b[i]!)) count++;
      if (count === 0) continue;
      if (count === end - first) found.push(n * 2 + 1, first);
      else for (let i = first; i < end; i++) if (this.rings(b[i]!)) found.push(n * 2, i);
    }
    return found;
  }

  size() {
    const r = devicePixelRatio || 1;
    return { w: this.canvas.width / r, h: this.canvas.height / r };
  }

  /** Takes the size that the page gives it. */
  resize() {
    const r = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    const w = Math.max(1, Math.round(box.width * r)), h = Math.max(1, Math.round(box.height * r));
    if (w === this.canvas.width && h === this.canvas.height) return;
    this.canvas.width = w;
    this.canvas.height = h;
    if (this.fitted) this.showAll();
    this.redraw();
  }

  showAll() {
    const g = this.geometry, s = this.size();
    if (!g) return;
    const fit = fitOf(g.width, g.height, s.w - 16, s.h - 16), most = SCALE_MAX / 2;
    const scale = Math.min(fit.sy, most), wide = fit.sx / fit.sy;
    this.view = { scale, wide, x: -(s.w / scale / wide - g.width) / 2,
      y: -(s.h / scale - g.height) / 2 };
    this.fitted = true;
    this.redraw();
  }

  /** `wide` stays as it fits the screen. */
  setView(v: Omit<View, 'wide'>) {
    this.view = { ...this.view, ...v };
    this.fitted = false;
    this.redraw();
  }

  zoom(factor: number, px: number, py: number) {
    const v = this.view, g = this.geometry, s = this.size();
    if (!g) return;
    const least = Math.min(s.w / g.width / v.wide, s.h / g.height) * 0.8;
    const scale = Math.max(least, Math.min(SCALE_MAX, v.scale * factor));
    const gain = 1 / v.scale - 1 / scale;
    this.setView({ scale, x: v.x + px / v.wide * gain, y: v.y + py * gain });
  }

  pan(dx: number, dy: number) {
    const v = this.view, g = this.geometry, s = this.size();
    if (!g) return;
    const keep = 20 / v.scale;  // so much of the map stays in sight
    this.setView({ scale: v.scale,
      x: Math.max(-s.w / this.sx + keep, Math.min(g.width - keep, v.x - dx / this.sx)),
      y: Math.max(-s.h / v.scale + keep, Math.min(g.height - keep, v.y - dy / v.scale)) });
  }

  /** Brings a node into view. */
  reveal(node: number) {
    if (!this.geometry) return;
    const b = nodeBox(this.geometry, node), v = this.view, s = this.size();
    const x = this.px(b.x), y = this.py(b.y);
    if (x < 0 || y < 0 || x + b.w * this.sx > s.w || y + v.scale > s.h)
      this.setView({ scale: v.scale, x: b.x + b.w / 2 - s.w / this.sx / 2,
        y: b.y - s.h / v.scale / 2 });
  }

  /** The pointer is over this GPU; −1: over none. */
  point(gpu: number) {
    if (this.hover === gpu) return;
    this.hover = gpu;
    this.redraw();
  }

  /** The keyboard has left. */
  leave() {
    this.cursor = -1;
    this.redraw();
  }

  toCell(px: number, py: number) {
    return { x: this.view.x + px / this.sx, y: this.view.y + py / this.view.scale };
  }

  /** The GPU under a point; a near miss finds the ringed one. */
  hit(px: number, py: number): number {
    const g = this.geometry, c = this.toCell(px, py), x = Math.floor(c.x), y = Math.floor(c.y);
    if (!g) return -1;
    const near = this.view.scale < RING_UNTIL_PX ? RING_PX / this.view.scale : 0;
    if (near) for (let i = 1; i < this.bad.length; i += 2) {
      const at = g.cell[this.bad[i]!]!, bx = at % g.width, by = Math.floor(at / g.width);
      const w = this.bad[i - 1]! & 1 ? nodeBox(g, this.bad[i - 1]! >> 1).w : 1;
      const side = near / this.view.wide;
      if (c.x >= bx - side && c.x <= bx + w + side && Math.abs(c.y - by - 0.5) <= near + 0.5)
        return this.bad[i]! + Math.max(0, Math.min(w - 1, x - bx));
    }
    if (x < 0 || y < 0 || x >= g.width || y >= g.height) return -1;
    return g.at[y * g.width + x]!;
  }

  redraw() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  private draw() {
    const { ctx, view: v } = this, g = this.geometry, r = devicePixelRatio || 1, s = this.size();
    this.frames++;
    ctx.setTransform(r, 0, 0, r, 0, 0);
    ctx.fillStyle = token('--map-bg');
    ctx.fillRect(0, 0, s.w, s.h);
    if (!g) return;
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.small, this.px(0), this.py(0), g.width * this.sx, g.height * v.scale);
    if (v.scale >= GRID_FROM_PX) this.drawGrid(g, s);
    this.drawNames(g, s);
    if (v.scale < RING_UNTIL_PX) this.drawRings(g, s);
    if (v.scale >= MARK_FROM_PX && this.states) this.drawMarks(g, s);
    this.drawFrames(g);
  }

  /** The ground between cells; gaps of the layout are ground already. */
  private drawGrid(g: Geometry, s: { w: number; h: number }) {
    const { ctx, view: v } = this;
    ctx.strokeStyle = token('--map-bg');
    ctx.lineWidth = v.scale > 14 ? 1.5 : 1;
    ctx.beginPath();
    const right = Math.min(g.width, v.x + s.w / this.sx + 1);
    const bottom = Math.min(g.height, v.y + s.h / v.scale + 1);
    for (let x = Math.max(0, Math.floor(v.x)); x <= right; x++) {
      const px = Math.round(this.px(x));
      ctx.moveTo(px, 0);
      ctx.lineTo(px, s.h);
    }
    for (let y = Math.max(0, Math.floor(v.y)); y <= bottom; y++) {
      const py = Math.round(this.py(y));
      ctx.moveTo(0, py);
      ctx.lineTo(s.w, py);
    }
    ctx.stroke();
  }

  private drawNames(g: Geometry, s: { w: number; h: number }) {
    const { ctx, view: v } = this;
    ctx.fillStyle = token('--text-dim');
    ctx.textBaseline = 'bottom';
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 14;
    ctx.font = `600 ${0.9 * rem}px ${token('--font')}`;
    if (g.halls.length > 1 && v.scale * 4 >= 13) for (const h of g.halls)
      ctx.fillText(h.name, Math.max(4, this.px(h.x)), this.py(h.y) - 2, h.w * this.sx);
    if (v.scale < NAME_FROM_PX) return;
    ctx.font = `${Math.min(0.8 * rem, v.scale - 1)}px ${token('--font')}`;
    for (const k of g.racks) {
      const x = this.px(k.x), y = this.py(k.y);
      if (x > s.w || y > s.h + 20 || x + k.w * this.sx < 0 || y + k.h * v.scale < 0) continue;
      if (y >= 0) ctx.fillText(k.name, x, y - 1, k.w * this.sx);
      if (v.scale >= NODE_FROM_PX) this.drawNodeNames(g, k);
    }
  }

  /** A node's name in its first cell. */
  private drawNodeNames(g: Geometry, k: RackBox) {
    const { ctx, view: v } = this;
    ctx.save();
    ctx.fillStyle = token('--map-ring');
    ctx.textBaseline = 'middle';
    for (let n = k.firstNode; n < k.firstNode + k.nodes; n++) {
      const b = nodeBox(g, n);
      ctx.fillText(this.names[n] ?? '', this.px(b.x) + 4, this.py(b.y) + v.scale / 2,
        b.w * this.sx - 8);
    }
    ctx.restore();
  }

  /** Where a node's name ends on the screen, in the font that names were drawn with. */
  private nameEnd(g: Geometry, node: number): number {
    if (this.view.scale < NODE_FROM_PX) return -Infinity;
    const b = nodeBox(g, node), w = this.ctx.measureText(this.names[node] ?? '').width;
    return this.px(b.x) + 4 + Math.min(w, b.w * this.sx - 8);
  }

  private drawRings(g: Geometry, s: { w: number; h: number }) {
    const { ctx, view: v, bytes } = this;
    const edge = token('--map-ring');
    const many = this.bad.length / 2 > RINGS_THIN_FROM;
    const lines: [number, string | null][] = many ? [[1.5, null]] : [[3.5, edge], [2, null]];
    for (const [width, color] of lines) {
      ctx.lineWidth = width;
      for (let i = 0; i < this.bad.length; i += 2) {
        const gpu = this.bad[i + 1]!, at = g.cell[gpu]!;
        const whole = this.bad[i]! & 1 ? nodeBox(g, this.bad[i]! >> 1) : null;
        const w = (whole?.w ?? 1) * this.sx, h = (whole?.h ?? 1) * v.scale;
        const x = this.px(at % g.width), y = this.py(Math.floor(at / g.width));
        if (x > s.w || y > s.h || x + w < 0 || y + h < 0) continue;
        if (many && this.states && bytes![gpu] === IN_REPAIR && w >= 6) continue;  // in hand, and wide enough
        const rw = Math.max(2 * RING_PX, w + 3), rh = Math.max(2 * RING_PX, h + 3);
        ctx.strokeStyle = color ?? css(this.palette[bytes![gpu]!]!);
        ctx.beginPath();
        ctx.roundRect(x + w / 2 - rw / 2, y + h / 2 - rh / 2, rw, rh, Math.min(RING_PX, rh / 2));
        ctx.stroke();
      }
    }
  }

  /** A letter-like mark in each bad cell: colour is not all there is to see. */
  private drawMarks(g: Geometry, s: { w: number; h: number }) {
    const { ctx, view: v, bytes } = this;
    const a = v.scale * 0.26;
    let left = MARKS_MAX;
    ctx.strokeStyle = ctx.fillStyle = '#101418';
    ctx.lineWidth = Math.max(1, v.scale / 9);
    for (let i = 0; i < this.bad.length; i += 2) {
      const n = this.bad[i]! >> 1, whole = this.bad[i]! & 1;
      const first = this.bad[i + 1]!, end = whole ? g.firstGpu[n + 1]! : first + 1;
      const nameEnd = this.nameEnd(g, n);
      for (let gpu = first; gpu < end && left > 0; gpu++, left--) {
        const at = g.cell[gpu]!, x = this.px(at % g.width), y = this.py(Math.floor(at / g.width));
        if (x + this.sx / 2 - a < nameEnd) continue;
        if (x > -this.sx && y > -v.scale && x < s.w && y < s.h)
          drawMark(ctx, bytes![gpu]!, x + this.sx / 2, y + v.scale / 2, a);
      }
    }
  }

  private drawFrames(g: Geometry) {
    const { ctx, view: v } = this;
    const frame = (b: Box, color: string, width: number) => {
      ctx.strokeStyle = color;
      ctx.lineWidth = width;
      ctx.strokeRect(this.px(b.x) - 1, this.py(b.y) - 1, b.w * this.sx + 2, b.h * v.scale + 2);
    };
    if (this.hover >= 0) frame(nodeBox(g, g.nodeOf[this.hover]!), token('--text'), 2);
    if (this.cursor >= 0) frame(nodeBox(g, this.cursor), token('--focus'), 3);
    if (this.brush) {
      frame(this.brush, token('--accent'), 2);
      ctx.fillStyle = `${token('--accent')}22`;
      ctx.fillRect(this.px(this.brush.x), this.py(this.brush.y), this.brush.w * this.sx,
        this.brush.h * v.scale);
    }
  }
}

/** The drawing of a bad state, as in components/marks.tsx: cross, plus, triangle, half. */
function drawMark(ctx: CanvasRenderingContext2D, state: number, x: number, y: number, a: number) {
  ctx.beginPath();
  if (state === 8) {
    ctx.moveTo(x - a, y - a);
    ctx.lineTo(x + a, y + a);
    ctx.moveTo(x + a, y - a);
    ctx.lineTo(x - a, y + a);
    ctx.stroke();
  } else if (state === 7) {
    ctx.moveTo(x - a, y);
    ctx.lineTo(x + a, y);
    ctx.moveTo(x, y - a);
    ctx.lineTo(x, y + a);
    ctx.stroke();
  } else if (state === 4) {
    ctx.moveTo(x, y - a);
    ctx.lineTo(x + a, y + a);
    ctx.lineTo(x - a, y + a);
    ctx.fill();
  } else {
    ctx.arc(x, y, a, -Math.PI / 2, Math.PI / 2);
    ctx.fill();
  }
}
