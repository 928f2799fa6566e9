/** The numbers of a flow as one target row's, and where cells stand: rows are counted from the bottom up. */
import type { Sizes } from "../cells.ts";
import type { Bytes } from "../loaded.ts";
import type { FlowView, Numbers } from "../spec.ts";

/** What is carried between a token and another; `token` is the other. */
export interface Edge {
  token: number;
  value: number;
}

export interface FlowNumbers {
  nodes: Bytes;
  rest: Bytes;
  heads: Bytes;
  above: Bytes;
  aboveValue: Bytes;
  below: Bytes;
  belowValue: Bytes;
}

/** The view's tables, in the order that `numbersOf` takes them. */
export function tablesOf({ nodes, rest, headScores, edges }: FlowView): Numbers[] {
  return [nodes, rest, headScores, edges.above, edges.aboveValue, edges.below, edges.belowValue];
}

export function numbersOf([nodes, rest, heads, above, aboveValue, below, belowValue]: Bytes[]): FlowNumbers {
  return { nodes, rest, heads, above, aboveValue, below, belowValue };
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

/** The middle of a cell. */
export function middle(row: number, column: number, sizes: Sizes, rows: number): [number, number] {
  return [(column + 0.5) * sizes.across, (rows - 0.5 - row) * sizes.down];
}
