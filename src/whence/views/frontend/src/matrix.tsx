/** A matrix of signed numbers on colours, drawn as far as it is seen: it may be thousands of columns wide. One stop of
 *  the tab key; arrow keys go from cell to cell. */
import "./matrix.css";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { cleared, useDark } from "./canvas.ts";
import { type Cell, cellAt, type Sizes, stepped } from "./cells.ts";
import { background, foreground } from "./colors.ts";
import type { Palette } from "./spec.ts";

const MOST_HEIGHT = 560;
const MOST_LEFT = 150;
const LETTER = 7;
/** Names of columns are turned that are narrower than that, and left out in columns narrower still. */
const TURNED = 56;
const NAMED = 13;

interface MatrixProps {
  name: string;
  rows: string[];
  columns: string[];
  /** The number of a cell, null where there is none. */
  value: (row: number, column: number) => number | null;
  /** Both ends of the colours of each row. */
  scales: ArrayLike<number>;
  palette: Palette;
  /** The least and the largest width of a column. */
  widths: [number, number];
  /** 1 where rows are counted from the bottom. */
  up?: number;
  at: Cell | null;
  nameOf: (cell: Cell) => string;
  onPoint: (cell: Cell) => void;
  onChoose: (cell: Cell) => void;
  chosenRow?: number;
  /** The column to scroll to. */
  shown?: number;
  over?: (sizes: Sizes) => ComponentChildren;
}

export function Matrix(props: MatrixProps) {
  const { name, rows, columns, value, scales, palette, widths, up = -1, nameOf, onPoint, onChoose, shown } = props;
  const at = props.at ?? { row: 0, column: 0 };
  const [room, setRoom] = useState(0);
  const [[x, y], setScrolled] = useState([0, 0]);
  const scroll = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const pointer = useRef("");
  const dark = useDark();
  const longest = longestOf(columns);
  const left = Math.min(MOST_LEFT, 12 + LETTER * longestOf(rows));
  const across = Math.max(widths[0], Math.min(widths[1], Math.floor((room - left) / columns.length)));
  const sizes = { across, down: rows.length > 16 ? 17 : 24 };
  const { down } = sizes;
  const [width, height] = [columns.length * across, rows.length * down];
  const tall = Math.min(MOST_HEIGHT, height);
  const top = Math.min(y, height - tall);
  const turned = across < Math.min(TURNED, LETTER * longest);
  const under = across < NAMED ? 0 : turned ? 12 + LETTER * Math.min(12, longest) : 24;
  const inSight = range(Math.floor(x / across), Math.min(columns.length, Math.ceil((x + room - left) / across)));
  const lines = range(Math.floor(top / down), Math.min(rows.length, Math.ceil((top + tall) / down)));
  const lineOf = (row: number) => (up > 0 ? rows.length - 1 - row : row);
  const wide = Math.max(0, Math.min(room - left, width));

  useLayoutEffect(() => {
    const watcher = new ResizeObserver(() => scroll.current && setRoom(scroll.current.clientWidth));
    watcher.observe(scroll.current!);
    return () => watcher.disconnect();
  }, []);
  useLayoutEffect(() => {
    const pen = cleared(canvas.current!, wide, tall);
    if (!pen) return;
    const shades = dark ? palette.dark : palette.light;
    for (const line of lines) {
      const row = lineOf(line);
      for (const column of inSight) {
        const score = value(row, column);
        if (score !== null) drawCell(pen, score, scales[row], shades, column * across - x, line * down - top, sizes);
      }
    }
  }, [value, scales, palette, dark, room, x, y]);
  useEffect(() => {
    if (shown !== undefined && room) scroll.current!.scrollLeft = (shown + 0.5) * across - (room - left) / 2;
  }, [shown, room > 0]);

  const cellOf = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return cellAt(event.clientX - box.left, event.clientY - box.top, sizes, rows.length, columns.length, up);
  };
  const point = (event: MouseEvent) => {
    const place = `${event.clientX} ${event.clientY}`;
    if (pointer.current === place) return; // the map was scrolled under a pointer at rest
    pointer.current = place;
    const cell = cellOf(event);
    if (cell && (cell.row !== props.at?.row || cell.column !== props.at.column)) onPoint(cell);
  };
  const press = (event: KeyboardEvent) => {
    const next = stepped(event, at, rows.length, columns.length, up);
    if (!next) return;
    onPoint(next);
    requestAnimationFrame(() => button.current?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  };
  const choose = (event: MouseEvent) => {
    const cell = event.detail === 0 ? at : cellOf(event);
    if (cell) onChoose(cell);
  };
  return (
    <div class="whence-map" ref={scroll} onScroll={({ currentTarget: { scrollLeft, scrollTop } }) => setScrolled([scrollLeft, scrollTop])}
      style={{ maxHeight: height > tall ? px(tall + under) : "", scrollPadding: `0 0 ${px(under)} ${px(left)}` }}>
      <div class="whence-map-rows" style={{ width: px(left), height: px(height) }} aria-hidden="true">
        {lines.map((line) => (
          <span class={lineOf(line) === props.chosenRow ? "whence-map-chosen" : ""} style={{ top: px(line * down), lineHeight: px(down) }}>
            <bdi>{rows[lineOf(line)]}</bdi>
          </span>
        ))}
      </div>
      <div class="whence-map-cells" style={{ width: px(width), height: px(height) }} onMouseMove={point} onClick={choose} onKeyDown={press}>
        <canvas ref={canvas} aria-hidden="true" style={{ left: px(left), width: px(wide), height: px(tall) }} />
        {props.over ? <svg width={width} height={height} aria-hidden="true">{props.over(sizes)}</svg> : null}
        <button type="button" ref={button} class="whence-cell" aria-label={`${name}. ${nameOf(at)}`} onFocus={() => onPoint(at)}
          style={{ left: px(at.column * across), top: px(lineOf(at.row) * down), width: px(across), height: px(down) }} />
      </div>
      {under ? (
        <div class={`whence-map-columns${turned ? " whence-map-turned" : ""}`} style={{ width: px(width), height: px(under) }} aria-hidden="true">
          {inSight.map((column) => (
            <span style={{ left: px(column * across), width: px(across) }}><bdi>{columns[column]}</bdi></span>
          ))}
        </div>
      ) : null}
    </div>
  );
}

function px(length: number): string {
  return `${length}px`;
}

function longestOf(texts: string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 0);
}

function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

/** A cell on the colour of its number, with a line at its foot where that is below zero by 5% of the scale or more. */
function drawCell(pen: CanvasRenderingContext2D, score: number, scale: number, shades: string[], x: number, y: number, { across, down }: Sizes) {
  const color = background(score, scale, shades);
  const broad = across >= 8;
  pen.fillStyle = color;
  pen.fillRect(x, y, broad ? across - 1 : across, down - 1);
  if (score >= 0 || -score < scale / 20) return;
  pen.fillStyle = foreground(color);
  pen.fillRect(broad ? x + across / 4 : x, y + down - 4, broad ? across / 2 : across, 1);
}
