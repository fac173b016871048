// Drawings of the shell, 16 × 16, in the colour of the text.
const PATHS = {
  home: 'M2.5 7.5 8 2.8l5.5 4.7M4 6.8V13h8V6.8M6.7 13V9.5h2.6V13',
  incidents: 'M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.2v.3',
  jobs: 'M2 4h7M2 8h11M2 12h5',
  queue: 'M2.5 3.5h2v9h-2zM7 3.5h2v9H7zM11.5 3.5h2v9h-2z',
  nodes: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.2M5 11h.2',
  machines: 'M2 3.5h12v7H2zM6 13h4M8 10.5V13M4.5 7h1.8l1-2 1.6 4 1-2h1.6',
  fleet: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z',
  topology: 'M8 2.5v3M3.5 10.5V8h9v2.5M8 5.5V8M2 10.5h3v3H2zM11 10.5h3v3h-3zM6.5 10.5h3v3h-3zM8 8v2.5',
  orders: 'M10.5 2.6a3.2 3.2 0 0 0-3.8 4.2L2.3 11.2l2.5 2.5 4.4-4.4a3.2 3.2 0 0 0 4.2-3.8l-2 2-1.9-.5-.5-1.9z',
  parts: 'M8 2 13.5 5v6L8 14l-5.5-3V5zM2.5 5 8 8l5.5-3M8 8v6',
  whatif: 'M3 13V9M6.3 13V5M9.7 13V7.5M13 13V3',
  shadow: 'M8 2.5a5.5 5.5 0 1 0 5.5 5.5A4.3 4.3 0 0 1 8 2.5z',
  audit: 'M4 2h6l2.5 2.5V14H4zM6 7h4.5M6 9.5h4.5M6 12h3',
  events: 'M4.5 2v12M4.5 4.5h8M4.5 8h6M4.5 11.5h8',
  settings: 'M2.5 4.5h6M11.5 4.5h2M10 3v3M2.5 8h2M7.5 8h6M6 6.5v3M2.5 11.5h7M12.5 11.5h1M11 10v3',
  search: 'M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4M10.2 10.2 13.5 13.5',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  sun: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
  half: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M8 2.5v11',
  play: 'M4.5 3v10l8-5z',
  pause: 'M4.5 3v10M11.5 3v10',
  next: 'M3 3v10l6.5-5zM12.5 3v10',
  help: 'M5.8 6.2a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12v.3',
  out: 'M9.5 3H3v10h6.5M7 8h7M11.5 5.5 14 8l-2.5 2.5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return <svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d={PATHS[name]} /></svg>;
}
