/** Colours that tell heads apart: eight hues, then the hues between them in other shades; heads are numbered as well. */
const SHADES = [0, 0.1, -0.08, 0.05];

export function headColor(head: number, dark: boolean): string {
  const round = Math.floor(head / 8) % SHADES.length;
  const hue = (252 + 135 * head + 22.5 * round) % 360;
  return `oklch(${((dark ? 0.74 : 0.54) + SHADES[round]).toFixed(2)} ${dark ? 0.13 : 0.16} ${hue})`;
}
