/** The numbers of a flow as one target row's, and cells of a map as places: rows are counted from the bottom up. */
import type { FlowView, Numbers } from "../spec.ts";

type Floats = Float32Array | Uint8Array;

/** A cell of a map. */
export interface Cell {
  row: number;
  column: number;
}

/** How large the cells of a map are, in pixels. */
export interface Sizes {
  across: number;
  down: number;
}

/** What is carried between a token and another; `token` is the other. */
export interface Edge {
  token: number;
  value: number;
}

export interface FlowNumbers {
  nodes: Floats;
  rest: Floats;
  heads: Floats;
  above: Floats;
  aboveValue: Floats;
  below: Floats;
  belowValue: Floats;
}

/** The view's tables, in the order that `numbersOf` takes them. */
export function tablesOf({ nodes, rest, headScores, edges }: FlowView): Numbers[] {
  return [nodes, rest, headScores, edges.above, edges.aboveValue, edges.below, edges.belowValue];
}

export function numbersOf([nodes, rest, heads, above, aboveValue, below, belowValue]: Floats[]): FlowNumbers {
  return { nodes, rest, heads, above, aboveValue, below, belowValue };
}

/** One target row's part of numbers whose first axis are the rows. */
export function part(all: Floats, rows: number, row: number): Floats {
  const size = all.length / rows;
  return all.subarray(row * size, (row + 1) * size);
}

/** The strongest edges of a token in one layer: from behind the layer ("above"), or to in front of it ("below"). */
export function edgesOf(view: FlowView, data: FlowNumbers, row: number, layer: number, token: number, side: "above" | "below"): Edge[] {
  const { kept } = view.edges;
  const start = ((row * (view.streams.length - 1) + layer) * view.tokens.length + token) * kept;
  const values = side === "above" ? data.aboveValue : data.belowValue;
  return Array.from({ length: kept }, (_, i) => ({ token: data[side][start + i], value: values[start + i] })).filter(
    (edge) => edge.value !== 0,
  );
}

/** Where a key of the keyboard leads from a cell; null where it is no such key. */
export function moved(at: Cell, key: string, rows: number, columns: number): Cell | null {
  const [up, right] = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], Home: [0, -columns], End: [0, columns], PageUp: [rows, 0], PageDown: [-rows, 0] }[key] ?? [0, 0];
  if (!up && !right) return null;
  const within = (place: number, count: number) => Math.max(0, Math.min(count - 1, place));
  return { row: within(at.row + up, rows), column: within(at.column + right, columns) };
}

/** The cell under a point of a map; null outside. */
export function cellAt(x: number, y: number, sizes: Sizes, rows: number, columns: number): Cell | null {
  const row = rows - 1 - Math.floor(y / sizes.down);
  const column = Math.floor(x / sizes.across);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

/** The middle of a cell. */
export function middle(row: number, column: number, sizes: Sizes, rows: number): [number, number] {
  return [(column + 0.5) * sizes.across, (rows - 0.5 - row) * sizes.down];
}

/** As high as suits the number of rows. */
export function rowHeight(rows: number): number {
  return rows <= 16 ? 24 : rows <= 40 ? 17 : 12;
}
