/** The colour of a signed score: the anchors come with the data, so that Python and the page agree. */
import type { Palette } from "./spec.ts";

type RGB = [number, number, number];

function rgb(code: string): RGB {
  return [1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16)) as RGB;
}

function luminance(color: RGB): number {
  const [red, green, blue] = color.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function hex(color: RGB): string {
  return "#" + color.map((channel) => channel.toString(16).padStart(2, "0")).join("");
}

/** The colour of a score on a scale symmetric about zero; outside it, the scale's end. */
export function background(score: number, scale: number, anchors: string[]): string {
  const share = scale ? Math.max(-1, Math.min(1, score / scale)) : 0;
  const place = ((share + 1) / 2) * (anchors.length - 1);
  const lower = Math.min(Math.floor(place), anchors.length - 2);
  const [start, end] = [rgb(anchors[lower]), rgb(anchors[lower + 1])];
  return hex(start.map((a, i) => Math.round(a + (end[i] - a) * (place - lower))) as RGB);
}

/** Black or white, whichever stands out more: a contrast of at least 4.5 to 1. */
export function foreground(color: string): string {
  const light = luminance(rgb(color));
  return 1.05 / (light + 0.05) > (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
}

/** Inline style of a score: the light colours, and the dark ones as variables for the style sheet to choose. */
export function heatStyle(score: number, scale: number, palette: Palette): { [property: string]: string } {
  const light = background(score, scale, palette.light);
  const dark = background(score, scale, palette.dark);
  return {
    background: light,
    color: foreground(light),
    "--whence-dark": dark,
    "--whence-dark-text": foreground(dark),
  };
}
