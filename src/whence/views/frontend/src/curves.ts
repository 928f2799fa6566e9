/** Curves as they are drawn: where numbers stand on a chart, and which step is nearest to a place. */
import { number, read } from "./numbers.ts";
import type { ChartData } from "./spec.ts";

export const WIDTH = 320;
export const HEIGHT = 184;
export const LEFT = 50;
export const RIGHT = WIDTH - 12;
export const TOP = 12;
export const BOTTOM = HEIGHT - 36;

const MOST_STEPS = 6;
/** What float32 may be off by. */
const SLACK = 1e-6;

/** From numbers between low and high to places between start and end; the middle where all are equal. */
export interface Scale {
  low: number;
  high: number;
  start: number;
  end: number;
}

export function place({ low, high, start, end }: Scale, value: number): number {
  return start + (high > low ? (value - low) / (high - low) : 0.5) * (end - start);
}

export interface Tick {
  at: number;
  text: string;
}

/** Multiples of 1, 2 or 5 times a power of ten, seven at most: as html_chart.py has them. */
export function ticks({ low, high }: Scale): Tick[] {
  if (high <= low) return [{ at: low, text: number(low) }];
  const least = (high - low) / MOST_STEPS;
  const exponent = Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((one) => one * 10 ** exponent >= least * (1 - SLACK))! * 10 ** exponent;
  const first = Math.ceil(low / step - SLACK);
  const count = Math.floor(high / step + SLACK) - first + 1;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + SLACK));
  return Array.from({ length: count }, (_, i) => {
    const at = (first + i) * step;
    const plain = decimals < 5 && Math.abs(at) < 1e7;
    return { at, text: plain && at ? `${at < 0 ? "−" : ""}${Math.abs(at).toFixed(decimals)}` : number(at) };
  });
}

export interface Line {
  name: string;
  x: number[];
  y: number[];
  band: [number[], number[]] | null;
}

/** The curves of a chart, the scales that hold them all, and each x that one of them has, in order. */
export interface Drawing {
  lines: Line[];
  across: Scale;
  up: Scale;
  steps: number[];
}

export function drawing(chart: ChartData): Drawing {
  const lines = chart.curves.map(({ name, x, y, band }) => ({
    name,
    x: [...read(x)],
    y: [...read(y)],
    band: band && ([[...read(band[0])], [...read(band[1])]] as [number[], number[]]),
  }));
  const steps = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const heights = lines.flatMap((line) => [line.y, ...(line.band ?? [])]).flat();
  return {
    lines,
    across: { low: steps[0], high: steps[steps.length - 1], start: LEFT, end: RIGHT },
    up: { low: Math.min(...heights), high: Math.max(...heights), start: BOTTOM, end: TOP },
    steps,
  };
}

/** Which step is nearest to a place across the drawing. */
export function nearest({ across, steps }: Drawing, at: number): number {
  let best = 0;
  steps.forEach((x, i) => {
    if (Math.abs(place(across, x) - at) < Math.abs(place(across, steps[best]) - at)) best = i;
  });
  return best;
}

/** What a curve says: its first and last number; at a step its number there, with the band's ends; a dash for none. */
export function reading(line: Line, x: number | null): string {
  if (x === null) return `${number(line.y[0])} → ${number(line.y[line.y.length - 1])}`;
  const i = line.x.indexOf(x);
  if (i < 0) return "—";
  const around = line.band ? ` (${number(line.band[0][i])} to ${number(line.band[1][i])})` : "";
  return number(line.y[i]) + around;
}

/** An SVG path through points. */
export function path({ across, up }: Drawing, x: number[], y: number[]): string {
  return "M" + x.map((one, i) => `${place(across, one).toFixed(2)} ${place(up, y[i]).toFixed(2)}`).join("L");
}
