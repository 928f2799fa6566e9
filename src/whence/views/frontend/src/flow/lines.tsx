/** Lines over the map: what one cell gets and sends, and a path. */
import type { Cell, Sizes } from "../cells.ts";
import type { FlowPath } from "../spec.ts";
import { type Edge, middle } from "./lookup.ts";

interface LinesProps {
  cell: Cell;
  above: Edge[];
  below: Edge[];
  sizes: Sizes;
  rows: number;
}

/** A line for each edge of a cell, as wide as it is strong, dashed where negative. */
export function Lines({ cell, above, below, sizes, rows }: LinesProps) {
  const most = Math.max(...[...above, ...below].map((edge) => Math.abs(edge.value)), 0);
  const [x, y] = middle(cell.row, cell.column, sizes, rows);
  const line = (edge: Edge, row: number) => {
    const [toX, toY] = middle(row, edge.token, sizes, rows);
    const d = `M${x} ${y}L${toX} ${toY}`;
    const width = 1 + (3.5 * Math.abs(edge.value)) / most;
    return (
      <>
        <path class="whence-flow-halo" d={d} stroke-width={width + 2.5} />
        <path class={`whence-flow-edge ${edge.value < 0 ? "whence-flow-minus" : "whence-flow-plus"}`} d={d} stroke-width={width} />
        <circle class="whence-flow-end" cx={toX} cy={toY} r="3" />
      </>
    );
  };
  return (
    <g>
      {[...above].reverse().map((edge) => line(edge, cell.row + 1))}
      {[...below].reverse().map((edge) => line(edge, cell.row - 1))}
      <circle class="whence-flow-end" cx={x} cy={y} r="4" />
    </g>
  );
}

/** A path from the input at the bottom to the top, with a ring where it is narrowest. */
export function PathLine({ path, sizes }: { path: FlowPath; sizes: Sizes }) {
  const rows = path.tokens.length;
  const points = path.tokens.map((token, row) => middle(row, token, sizes, rows));
  const d = `M${points.map(([x, y]) => `${x} ${y}`).join("L")}`;
  const [from, to] = [points[path.narrowest], points[path.narrowest + 1] ?? points[path.narrowest]];
  return (
    <g>
      <path class="whence-flow-halo" d={d} stroke-width="7" />
      <path class={`whence-flow-path${path.value < 0 ? " whence-flow-dashed" : ""}`} d={d} />
      <circle class="whence-flow-ring" cx={(from[0] + to[0]) / 2} cy={(from[1] + to[1]) / 2} r="5" />
    </g>
  );
}
