/** A map of cells on colours, drawn as far as it is seen. One stop of the tab key; arrow keys go from cell to cell. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { background, foreground } from "../colors.ts";
import { signed } from "../numbers.ts";
import type { Palette } from "../spec.ts";
import { type Cell, cellAt, moved, rowHeight, type Sizes } from "./lookup.ts";

const STEPS = 100;
/** Rows are named one by one where they are at least this high. */
const NAMED = 14;
/** Names of columns are turned that are narrower than that, and than as many letters as the longest has. */
const TURNED = 56;
const LETTER = 8;

interface MapProps {
  name: string;
  rows: string[];
  columns: string[];
  values: ArrayLike<number>;
  /** The ends of the colours of each row. */
  scales: ArrayLike<number>;
  unit: string;
  palette: Palette;
  widths: [number, number];
  at: Cell;
  shown?: number | null;
  nameOf: (cell: Cell) => string;
  onPoint: (cell: Cell) => void;
  onChoose: (cell: Cell) => void;
  over?: (sizes: Sizes) => ComponentChildren;
}

export function CellMap(props: MapProps) {
  const { name, rows, columns, values, scales, unit, palette, at, shown, nameOf, onPoint, onChoose } = props;
  const [room, setRoom] = useState(0);
  const [scrolled, setScrolled] = useState(0);
  const scroll = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const pointer = useRef("");
  const common = Array.prototype.every.call(scales, (one) => one === scales[0]) ? scales[0] : null;
  const dark = useDark();
  const across = Math.max(props.widths[0], Math.min(props.widths[1], Math.floor(room / columns.length)));
  const sizes = { across, down: rowHeight(rows.length) };
  const height = rows.length * sizes.down;
  const first = Math.floor(scrolled / across);
  const last = Math.min(columns.length, Math.ceil((scrolled + room) / across));

  useLayoutEffect(() => {
    const watcher = new ResizeObserver(() => scroll.current && setRoom(scroll.current.clientWidth));
    watcher.observe(scroll.current!);
    return () => watcher.disconnect();
  }, []);
  useLayoutEffect(() => {
    const shades = dark ? palette.dark : palette.light;
    paint(canvas.current!, Math.min(room, columns.length * across), height, (pen) => {
      for (let row = 0; row < rows.length; row++) {
        for (let column = first; column < last; column++) {
          const top = (rows.length - 1 - row) * sizes.down;
          drawCell(pen, values[row * columns.length + column], scales[row], shades, column * across - scrolled, top, sizes);
        }
      }
    });
  }, [values, scales, palette, dark, room, scrolled]);
  useEffect(() => {
    if (shown != null && room) scroll.current!.scrollLeft = (shown + 0.5) * across - room / 2;
  }, [shown, room > 0]);

  const cellOf = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return cellAt(event.clientX - box.left, event.clientY - box.top, sizes, rows.length, columns.length);
  };
  const point = (event: MouseEvent) => {
    const place = `${event.clientX} ${event.clientY}`;
    if (pointer.current === place) return; // the map was scrolled under a pointer at rest
    pointer.current = place;
    const cell = cellOf(event);
    if (cell && (cell.row !== at.row || cell.column !== at.column)) onPoint(cell);
  };
  const press = (event: KeyboardEvent) => {
    const next = moved(at, event.key, rows.length, columns.length);
    if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    onPoint(next);
    requestAnimationFrame(() => button.current?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  };
  const choose = (event: MouseEvent) => {
    const cell = event.detail === 0 ? at : cellOf(event);
    if (cell) onChoose(cell);
  };
  const every = sizes.down < NAMED ? 5 : 1;
  const longest = columns.reduce((most, text) => Math.max(most, text.length), 0);
  const turned = across < Math.min(TURNED, LETTER * longest);
  return (
    <div class="whence-flow-map">
      <p class="whence-flow-told" role="status"><bdi>{nameOf(at)}</bdi></p>
      <div class="whence-flow-rows" style={{ height: px(height) }} aria-hidden="true">
        {rows.map((text, row) =>
          row % every && row !== rows.length - 1 ? null : (
            <span style={{ bottom: px(row * sizes.down), lineHeight: px(sizes.down) }}>{text}</span>
          ),
        )}
      </div>
      <div class="whence-flow-scroll" ref={scroll} onScroll={(event) => setScrolled(event.currentTarget.scrollLeft)}>
        <div class="whence-flow-cells" style={{ width: px(columns.length * across), height: px(height) }}
          onMouseMove={point} onClick={choose} onKeyDown={press}>
          <canvas ref={canvas} aria-hidden="true" />
          {props.over ? (
            <svg width={columns.length * across} height={height} aria-hidden="true">{props.over(sizes)}</svg>
          ) : null}
          <button type="button" ref={button} class="whence-flow-cell" aria-label={`${name}. ${nameOf(at)}`}
            style={{ left: px(at.column * across), bottom: px(at.row * sizes.down), width: px(across), height: px(sizes.down) }} />
        </div>
        <div class={`whence-flow-columns${turned ? " whence-flow-turned" : ""}`} style={{ width: px(columns.length * across), height: turned ? `${0.55 * Math.min(longest, 12) + 0.8}em` : undefined }} aria-hidden="true">
          {columns.slice(first, last).map((text, i) => (
            <span style={{ left: px((first + i) * across), width: px(across) }}><bdi>{text}</bdi></span>
          ))}
        </div>
      </div>
      <p class="whence-legend">
        <span>{common !== null ? signed(-common, common) : "− row’s largest"}</span><span class="whence-ramp" style={ramp(palette)} />
        <span>{common !== null ? `${signed(common, common)} ${unit}` : `+ row’s largest, in ${unit}`}</span><span>underlined: negative</span>
      </p>
    </div>
  );
}

function px(length: number): string {
  return `${length}px`;
}

/** Draws on a canvas of that many pixels of the page, sharp on any screen. */
function paint(canvas: HTMLCanvasElement, width: number, height: number, draw: (pen: CanvasRenderingContext2D) => void) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = px(width);
  canvas.style.height = px(height);
  const pen = canvas.getContext("2d")!;
  pen.scale(density, density);
  draw(pen);
}

function drawCell(pen: CanvasRenderingContext2D, value: number, scale: number, shades: string[], x: number, y: number, { across, down }: Sizes) {
  const step = scale ? Math.round((STEPS * value) / scale) : 0;
  const color = background(step, STEPS, shades);
  const gap = across >= 8 ? 1 : 0;
  pen.fillStyle = color;
  pen.fillRect(x, y, across - gap, down - 1);
  if (step < 0) {
    pen.fillStyle = foreground(color);
    pen.globalAlpha = 0.2 + 0.6 * Math.sqrt(-step / STEPS);
    pen.fillRect(x + across * 0.3, y + down - 4, across * 0.4, 1);
    pen.globalAlpha = 1;
  }
}

function ramp(palette: Palette) {
  const stops = (colors: string[]) => `linear-gradient(to right, ${colors.join(", ")})`;
  return { background: stops(palette.light), "--whence-dark": stops(palette.dark) };
}

function useDark(): boolean {
  const [query] = useState(() => window.matchMedia("(prefers-color-scheme: dark)"));
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const hear = () => setDark(query.matches);
    query.addEventListener("change", hear);
    return () => query.removeEventListener("change", hear);
  }, []);
  return dark;
}
