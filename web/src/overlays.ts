// What lies over the page: the palette and the help; open or not.
import { signal } from '@preact/signals';

export const paletteOpen = signal(false);
export const helpOpen = signal(false);

export const openPalette = () => { paletteOpen.value = true; };
export const openHelp = () => { helpOpen.value = true; };
