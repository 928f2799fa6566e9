/** What a canvas has to be told: how sharp the screen is, and whether the page is dark. */
import { useEffect, useState } from "preact/hooks";

/** Makes a canvas as sharp as the screen and empty; sizes in CSS pixels. */
export function cleared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const dense = devicePixelRatio || 1;
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const context = canvas.getContext("2d");
  context?.scale(dense, dense);
  return context;
}

/** Whether the page is shown dark: a canvas knows no style sheet. */
export function useDark(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [dark, set] = useState(query.matches);
  useEffect(() => {
    const changed = () => set(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
