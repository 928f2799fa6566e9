/** Numbers out of the page's data, and numbers as text: the same digits as whence/views/numbers.py gives. */
import type { Numbers } from "./spec.ts";

const MINUS = "−";

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function typed(type: Numbers["type"], bytes: Uint8Array<ArrayBuffer>): Float32Array | Uint8Array {
  if (type === "u1") return bytes;
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/** The numbers, row by row. */
export function read(numbers: Numbers): Float32Array | Uint8Array {
  if (numbers.deflated) throw new Error("deflated numbers are read by inflate()");
  return typed(numbers.type, bytesOf(numbers.data));
}

/** The numbers, row by row, of data that may be deflated. */
export async function inflate(numbers: Numbers): Promise<Float32Array | Uint8Array> {
  if (!numbers.deflated) return read(numbers);
  const stream = new Blob([bytesOf(numbers.data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return typed(numbers.type, new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** The largest |score|: both ends of the colour scale. */
export function scaleOf(scores: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < scores.length; i++) most = Math.max(most, Math.abs(scores[i]));
  return most;
}

/** A number with its sign, with digits to suit a scale, so that a column of them lines up; zero has no sign. */
export function signed(value: number, scale?: number): string {
  const sign = value === 0 ? "" : value < 0 ? MINUS : "+";
  if (scale === undefined || !(scale >= 1e-5 && scale < 1e7)) return sign + magnitude(value);
  return sign + Math.abs(value).toFixed(Math.max(0, 2 - Math.floor(Math.log10(scale))));
}

/** Four significant digits, without trailing zeros. */
export function number(value: number): string {
  return (value < 0 ? MINUS : "") + magnitude(value);
}

/** A share in percent: to three digits, or to a number of decimals. */
export function percent(share: number, decimals?: number): string {
  const least = 10 ** -(decimals ?? 2);
  if (share > 0 && share < least / 200) return `<${least}%`;
  if (decimals && share % 1) return `${(100 * share).toFixed(decimals)}%`;
  return `${number(Number((100 * share).toPrecision(share < 0.1 ? 2 : 3)))}%`;
}

/** The part of one target row in numbers whose first axis are the rows. */
export function part(all: Float32Array | Uint8Array, rows: number, row: number): Float32Array | Uint8Array {
  const size = all.length / rows;
  return all.subarray(row * size, (row + 1) * size);
}

function magnitude(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e-4 && size < 1e7) {
    const text = size.toFixed(Math.max(0, 3 - Math.floor(Math.log10(size))));
    return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
  }
  const [digits, exponent] = size.toExponential(2).split("e");
  const sign = Number(exponent) < 0 ? MINUS : "";
  return `${digits.replace(/0+$/, "").replace(/\.$/, "")}e${sign}${Math.abs(Number(exponent))}`;
}
