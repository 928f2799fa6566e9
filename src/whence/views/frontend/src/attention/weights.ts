/** What the recorded bytes of a layer say: weights, vectors, and sums over them. */
import { percent as inPercent } from "../numbers.ts";
import type { AttentionLayer, AttentionView, Token } from "../spec.ts";

/** Places among a layer's own queries and keys, from 0. */
export interface Link {
  head: number;
  query: number;
  key: number;
  weight: number;
}

/** A token of one of a layer's two sides. */
export interface Point {
  side: "query" | "key";
  at: number;
}

export function other(side: Point["side"]): Point["side"] {
  return side === "query" ? "key" : "query";
}

export interface Hidden {
  first: boolean;
  special: boolean;
}

export function weightOf(byte: number): number {
  return (byte / 255) ** 2;
}

/** The least byte whose weight is at least this. */
export function byteOf(weight: number): number {
  return Math.max(0, Math.ceil(255 * Math.sqrt(weight) - 1e-9));
}

/** A weight as a share of all; steps are too coarse for more than one decimal. */
export function percent(weight: number): string {
  return inPercent(weight, 1);
}

export function counts(layer: AttentionLayer): { queries: number; keys: number } {
  return { queries: layer.queries[1] - layer.queries[0], keys: layer.keys[1] - layer.keys[0] };
}

/** Whether a query may look at a key at all, as far as the order of tokens says. */
export function sees(view: AttentionView, layer: AttentionLayer, query: number, key: number): boolean {
  const ordered = layer.kind === "decoder" || (layer.kind === "self" && view.causal);
  return !ordered || layer.keys[0] + key <= layer.queries[0] + query;
}

/** The places of a range of tokens that are shown. */
export function shownOf(tokens: Token[], range: [number, number], hidden: Hidden): number[] {
  const places = Array.from({ length: range[1] - range[0] }, (_, i) => i);
  return places.filter((i) => !(hidden.first && i === 0) && !(hidden.special && tokens[range[0] + i].special));
}

/** One byte of a layer. */
export function byteAt(bytes: ArrayLike<number>, layer: AttentionLayer, head: number, query: number, key: number): number {
  const { queries, keys } = counts(layer);
  return bytes[(head * queries + query) * keys + key];
}

/** The weight between a point and a place of the other side, for each of the heads. */
export function weightsTo(bytes: ArrayLike<number>, layer: AttentionLayer, heads: number[], point: Point, other: number) {
  const [query, key] = point.side === "query" ? [point.at, other] : [other, point.at];
  return heads.map((head) => weightOf(byteAt(bytes, layer, head, query, key)));
}

export function mean(values: number[]): number {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
}

/** The places of the other side that a point's mean weight is largest for, largest first; none without weight. */
export function topOf(bytes: ArrayLike<number>, layer: AttentionLayer, heads: number[], point: Point, others: number[], most: number) {
  return others
    .map((at) => ({ at, weight: mean(weightsTo(bytes, layer, heads, point, at)) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, most);
}

/** The links of largest weight among the given heads, queries and keys, largest first. */
export function strongest(
  bytes: ArrayLike<number>, layer: AttentionLayer, heads: number[], queries: number[], keys: number[], most: number,
): Link[] {
  const links: Link[] = [];
  let least = 0;
  for (const head of heads) {
    for (const query of queries) {
      for (const key of keys) {
        const byte = byteAt(bytes, layer, head, query, key);
        if (byte <= least) continue;
        const weight = weightOf(byte);
        const place = links.findIndex((link) => link.weight < weight);
        links.splice(place < 0 ? links.length : place, 0, { head, query, key, weight });
        if (links.length > most) links.pop();
        if (links.length === most) least = byteOf(links[most - 1].weight);
      }
    }
  }
  return links;
}

/** One token's vector of one head. */
export function vectorOf(bytes: ArrayLike<number>, count: number, size: number, head: number, at: number, range: number) {
  const start = (head * count + at) * size;
  return Float32Array.from({ length: size }, (_, i) => ((bytes[start + i] - 128) / 127) * range);
}

/** How far a weight may be from the softmax of scores by rounding alone: four standard deviations of a score's error
 *  from vectors in 127 steps of their ranges, and what the weight's own rounding adds. */
export function roundingOf(
  query: ArrayLike<number>, keys: ArrayLike<number>[], queryRange: number, keyRange: number, scale: number,
) {
  const square = (vector: ArrayLike<number>) => sum(products(vector, vector));
  const spread = keyRange ** 2 * square(query) + queryRange ** 2 * Math.max(...keys.map(square));
  const error = Math.sqrt(spread / 12) / 127;
  return (weight: number) => 0.01 + 4 * scale * error * weight * (1 - weight);
}

export function products(a: ArrayLike<number>, b: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: a.length }, (_, i) => a[i] * b[i]);
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** The softmax over the scores that are seen; 0 for the others. */
export function softmax(scores: ArrayLike<number>, seen: (at: number) => boolean): Float64Array {
  let highest = -Infinity;
  for (let i = 0; i < scores.length; i++) if (seen(i)) highest = Math.max(highest, scores[i]);
  const powers = Float64Array.from({ length: scores.length }, (_, i) => (seen(i) ? Math.exp(scores[i] - highest) : 0));
  const total = sum(powers);
  return powers.map((power) => power / total);
}
