/** A matrix of signed numbers on a canvas that draws what can be seen of it: it may be thousands of columns wide. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { background, foreground } from "./colors.ts";
import type { Palette } from "./spec.ts";

export interface Cell {
  row: number;
  column: number;
}

interface MatrixProps {
  label: string;
  rows: string[];
  columns: string[];
  /** The number of a cell, null where there is none. */
  value: (row: number, column: number) => number | null;
  /** Both ends of the colours of each row. */
  scales: number[];
  palette: Palette;
  chosenRow?: number;
  at: Cell | null;
  onPoint: (cell: Cell | null) => void;
  onChoose?: (cell: Cell) => void;
}

const HEIGHT = 20;
const NARROWEST = 5;
const WIDEST = 34;
const LEGIBLE = 13;
const LONGEST_NAME = 150;
const MOST_HEIGHT = 460;

/** The cell that an arrow key leads to; none for other keys. */
export function stepped(event: KeyboardEvent, at: Cell | null, rows: number, columns: number): Cell | null {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  if (!step) return null;
  event.preventDefault();
  const within = (place: number, count: number) => Math.max(0, Math.min(count - 1, place));
  return at ? { row: within(at.row + step[0], rows), column: within(at.column + step[1], columns) } : { row: 0, column: 0 };
}

export function Matrix(props: MatrixProps) {
  const { label, rows, columns, at, onPoint, onChoose } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [dark, setDark] = useState(false);
  const left = useMemo(() => Math.min(LONGEST_NAME, 14 + 7.5 * Math.max(...rows.map((one) => one.length))), [rows]);
  const cell = Math.max(NARROWEST, Math.min(WIDEST, (width - left) / columns.length));
  const longest = Math.max(...columns.map((one) => one.length));
  const top = cell >= LEGIBLE ? Math.min(110, 12 + 7 * longest) : 8;
  const size = { width: left + cell * columns.length, height: top + HEIGHT * rows.length };
  const height = Math.min(MOST_HEIGHT, size.height);

  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const observer = new ResizeObserver(() => setWidth(frame.current!.clientWidth));
    observer.observe(frame.current!);
    const change = () => setDark(scheme.matches);
    change();
    scheme.addEventListener("change", change);
    return () => { observer.disconnect(); scheme.removeEventListener("change", change); };
  }, []);
  const draw = () => {
    if (canvas.current && frame.current && width) paint(canvas.current, frame.current, { ...props, left, top, cell, width, height, dark });
  };
  useLayoutEffect(draw);
  const cellAt = (event: MouseEvent): Cell | null => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    if (x < left || y < top) return null;
    const column = Math.floor((x + frame.current!.scrollLeft - left) / cell);
    const row = Math.floor((y + frame.current!.scrollTop - top) / HEIGHT);
    return row < rows.length && column < columns.length ? { row, column } : null;
  };
  const move = (event: KeyboardEvent) => {
    if (event.key === "Enter" && at) onChoose?.(at);
    const next = stepped(event, at, rows.length, columns.length);
    if (!next) return;
    const box = frame.current!;
    const [x, y] = [next.column * cell, next.row * HEIGHT];
    box.scrollLeft = Math.max(x + cell + left - box.clientWidth, Math.min(box.scrollLeft, x));
    box.scrollTop = Math.max(y + HEIGHT + top - box.clientHeight, Math.min(box.scrollTop, y));
    onPoint(next);
  };
  return (
    <div class="whence-heat-matrix" ref={frame} style={{ maxHeight: `${MOST_HEIGHT}px` }} onScroll={draw}>
      <div style={{ width: `${size.width}px`, height: `${size.height}px` }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={label}
          style={{ width: `${Math.min(width, size.width)}px`, height: `${height}px` }}
          onMouseMove={(event) => { if (event.movementX || event.movementY) onPoint(cellAt(event)); }}
          onClick={(event) => { const found = cellAt(event); if (found) onChoose?.(found); }}
          onKeyDown={move}
          onFocus={() => { if (!at) onPoint({ row: 0, column: 0 }); }}
        />
      </div>
    </div>
  );
}

interface Painted extends MatrixProps {
  left: number;
  top: number;
  cell: number;
  width: number;
  height: number;
  dark: boolean;
}

function paint(canvas: HTMLCanvasElement, frame: HTMLElement, drawn: Painted): void {
  const { rows, columns, left, top, cell, width, height, chosenRow, at } = drawn;
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  const pen = canvas.getContext("2d")!;
  const look = getComputedStyle(canvas);
  const ink = look.getPropertyValue("--whence-ink");
  const soft = look.getPropertyValue("--whence-soft");
  pen.scale(ratio, ratio);
  pen.font = `12px ${look.fontFamily}`;
  pen.textBaseline = "middle";
  const [x0, y0] = [frame.scrollLeft, frame.scrollTop];
  const first = { row: Math.floor(y0 / HEIGHT), column: Math.floor(x0 / cell) };
  const last = {
    row: Math.min(rows.length, Math.ceil((y0 + height - top) / HEIGHT)),
    column: Math.min(columns.length, Math.ceil((x0 + width - left) / cell)),
  };
  const placeOf = (row: number, column: number): [number, number] => [left + column * cell - x0, top + row * HEIGHT - y0];
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  for (let row = first.row; row < last.row; row++) {
    for (let column = first.column; column < last.column; column++) paintCell(pen, drawn, row, column, placeOf(row, column));
  }
  if (at) {
    const [x, y] = placeOf(at.row, at.column);
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.strokeRect(x, y, Math.max(3, cell - 1), HEIGHT - 1);
  }
  pen.restore();
  for (let row = first.row; row < last.row; row++) {
    const y = placeOf(row, 0)[1] + HEIGHT / 2;
    if (y < top) continue;
    pen.fillStyle = row === at?.row || row === chosenRow ? ink : soft;
    pen.font = `${row === chosenRow ? 600 : 400} 12px ${look.fontFamily}`;
    pen.fillText(fitted(pen, rows[row], left - 8), 0, y);
  }
  pen.font = `12px ${look.fontFamily}`;
  if (cell < LEGIBLE) return;
  for (let column = first.column; column < last.column; column++) {
    const x = placeOf(0, column)[0] + cell / 2;
    if (x < left) continue;
    pen.save();
    pen.translate(x, top - 4);
    pen.rotate(-Math.PI / 2);
    pen.fillStyle = column === at?.column ? ink : soft;
    pen.fillText(fitted(pen, columns[column].trim(), top - 8), 0, 0);
    pen.restore();
  }
}

/** A cell on the colour of its number, a negative one with a line at its foot; nothing where there is no number. */
function paintCell(pen: CanvasRenderingContext2D, drawn: Painted, row: number, column: number, [x, y]: [number, number]): void {
  const score = drawn.value(row, column);
  if (score === null) return;
  const { cell, palette, dark, scales } = drawn;
  const gap = cell > 8 ? 1 : 0;
  const color = background(score, scales[row], dark ? palette.dark : palette.light);
  pen.fillStyle = color;
  pen.fillRect(x, y, cell - gap, HEIGHT - 1);
  if (score >= 0 || cell < 8 || -score < scales[row] / 20) return;
  pen.fillStyle = foreground(color);
  pen.fillRect(x + cell / 4, y + HEIGHT - 5, cell / 2, 1.5);
}

function fitted(pen: CanvasRenderingContext2D, text: string, width: number): string {
  if (pen.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && pen.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
