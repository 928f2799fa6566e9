/** Colours that tell heads apart: eight hues, then the hues between them in other shades; heads are numbered as well. */
import { useEffect, useState } from "preact/hooks";

const DARK = "(prefers-color-scheme: dark)";
const SHADES = [0, 0.1, -0.08, 0.05];

export function headColor(head: number, dark: boolean): string {
  const round = Math.floor(head / 8) % SHADES.length;
  const hue = (252 + 135 * head + 22.5 * round) % 360;
  return `oklch(${((dark ? 0.74 : 0.54) + SHADES[round]).toFixed(2)} ${dark ? 0.13 : 0.16} ${hue})`;
}

/** Whether the page is shown dark: a canvas knows no style sheet. */
export function useDark(): boolean {
  const [dark, set] = useState(() => matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const changed = () => set(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
