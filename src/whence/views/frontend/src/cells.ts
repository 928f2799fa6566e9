/** Places in rows and columns, and where the keyboard leads from one to the next. */

export interface Cell {
  row: number;
  column: number;
}

/** How large cells are, in pixels. */
export interface Sizes {
  across: number;
  down: number;
}

const PAGE = 10;

type Key = Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey" | "preventDefault">;

/** The cell that a key leads to; null where it leads nowhere. `up` is what a step up adds to the row. */
export function stepped(event: Key, { row, column }: Cell, rows: number, columns: number, up = -1): Cell | null {
  const [right, above] = {
    ArrowRight: [1, 0], ArrowLeft: [-1, 0], Home: [-columns, 0], End: [columns, 0],
    ArrowUp: [0, up], ArrowDown: [0, -up], PageUp: [0, PAGE * up], PageDown: [0, -PAGE * up],
  }[event.key] ?? [0, 0];
  if ((!right && !above) || event.altKey || event.ctrlKey || event.metaKey) return null;
  event.preventDefault();
  const within = (place: number, count: number) => Math.max(0, Math.min(count - 1, place));
  return { row: within(row + above, rows), column: within(column + right, columns) };
}

/** The same on a line, where up and left both lead back. */
export function along(event: Key, at: number, count: number, up = -1): number | null {
  const cell = stepped(event, { row: at, column: at }, count, count, up);
  return cell && cell.row + cell.column - at;
}

/** The cell under a point; null outside. Rows are counted from the top, or where they go `up` from the bottom. */
export function cellAt(x: number, y: number, { across, down }: Sizes, rows: number, columns: number, up = -1): Cell | null {
  const [line, column] = [Math.floor(y / down), Math.floor(x / across)];
  const row = up > 0 ? rows - 1 - line : line;
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}
