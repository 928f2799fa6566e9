/** The heat map of an image: its units over the picture, each to be pointed at or reached with arrow keys. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { stepped } from "./cells.ts";
import { Legend, Readout } from "./controls.tsx";
import type { Grid, Palette, Target } from "./spec.ts";
import { named, said, standingAmong } from "./units.ts";

/** Cells that are outlined and marked one by one. */
const FEW = 1024;
const SIDE = 448;

interface PictureProps {
  grid: Grid;
  scores: ArrayLike<number>;
  scale: number;
  palette: Palette;
  opacity: number;
  label: string;
  at: number | null;
  onPoint: (cell: number | null) => void;
  onChoose?: (cell: number) => void;
}

/** One row of scores over the picture; `at` is outlined. */
export function Picture(props: PictureProps) {
  const { grid, at, label, onPoint, onChoose } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => paint(canvas.current!, props));
  const cellAt = (event: MouseEvent): number | null => {
    const box = canvas.current!.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * (grid.width / grid.cell[1]));
    const row = Math.floor(((event.clientY - box.top) / box.height) * (grid.height / grid.cell[0]));
    const inside = row >= 0 && row < grid.rows && column >= 0 && column < grid.columns;
    return inside ? row * grid.columns + column : null;
  };
  const move = (event: KeyboardEvent) => {
    if (event.key === "Enter" && at !== null) onChoose?.(at);
    const from = at ?? 0;
    const next = stepped(event, { row: Math.floor(from / grid.columns), column: from % grid.columns }, grid.rows, grid.columns);
    if (next) onPoint(next.row * grid.columns + next.column);
  };
  return (
    <div class="whence-heat-picture" style={{ aspectRatio: `${grid.width} / ${grid.height}` }}>
      {grid.picture ? <img class="whence-faded" src={grid.picture} alt="" /> : null}
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={label}
        onMouseMove={(event) => onPoint(cellAt(event))}
        onMouseLeave={() => onPoint(null)}
        onFocus={() => onPoint(at ?? 0)}
        onBlur={() => onPoint(null)}
        onClick={(event) => { const cell = cellAt(event); if (cell !== null) onChoose?.(cell); }}
        onKeyDown={move}
      />
    </div>
  );
}

/** The picture as the model takes it, without heat. */
export function Plain({ grid }: { grid: Grid }) {
  if (!grid.picture) return null;
  return (
    <div class="whence-heat-picture" style={{ aspectRatio: `${grid.width} / ${grid.height}` }}>
      <img src={grid.picture} alt="The image as the model takes it" />
    </div>
  );
}

/** How much the heat covers of the picture, in percent. */
export function Opacity({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  return (
    <label class="whence-heat-check">
      heat over the picture{" "}
      <input type="range" min="0" max="100" step="5" value={value} onInput={(event) => onChange(event.currentTarget.valueAsNumber)} />{" "}
      {value}%
    </label>
  );
}

/** What is said of one unit of an image: its name, and its score, rank and share. */
export function cellFacts(grid: Grid, scores: ArrayLike<number>, cell: number, unit: string): string[] {
  const name = `${grid.unit} ${Math.floor(cell / grid.columns)},${cell % grid.columns}`;
  return [name, ...said(standingAmong(scores[cell], Array.from(scores)), unit)];
}

export function PictureHeat({ grid, scores, scale, target, palette, onChoose }: {
  grid: Grid;
  scores: ArrayLike<number>;
  scale: number;
  target: Target;
  palette: Palette;
  onChoose: (cell: number) => void;
}) {
  const [opacity, setOpacity] = useState(90);
  const [at, point] = useState<number | null>(null);
  const [kept, keep] = useState<number | null>(null);
  const shown = at ?? kept;
  const [name, ...facts] = shown === null ? [] : cellFacts(grid, scores, shown, target.unit);
  const label = `${target.label}: ${grid.rows} by ${grid.columns} ${grid.unit} scores over the image. Arrow keys go from one to the next.`;
  const choose = (cell: number) => { keep(cell === kept ? null : cell); onChoose(cell); };
  return (
    <>
      {grid.picture ? <div class="whence-heat-controls"><Opacity value={opacity} onChange={setOpacity} /></div> : null}
      <div class="whence-heat-pictures">
        <Plain grid={grid} />
        <Picture {...{ grid, scores, scale, palette, opacity, label }} at={shown} onPoint={point} onChoose={choose} />
      </div>
      <Readout live>{name && <><strong>{name}</strong>{named(facts).map((fact) => <span>{fact}</span>)}</>}</Readout>
      <Legend palette={palette} scale={scale} unit={target.unit}>
        {scores.length > FEW ? <span>1% of the scores go beyond the scale, and have the colour of its end</span> : null}
      </Legend>
    </>
  );
}

function paint(canvas: HTMLCanvasElement, { grid, scores, scale, palette, opacity, at }: PictureProps): void {
  const zoom = Math.max(1, SIDE / grid.width);
  const [down, across] = [grid.cell[0] * zoom, grid.cell[1] * zoom];
  canvas.width = grid.width * zoom;
  canvas.height = grid.height * zoom;
  const pen = canvas.getContext("2d")!;
  const [negative, positive] = [palette.light[1], palette.light[palette.light.length - 2]];
  const place = (cell: number) => [(cell % grid.columns) * across, Math.floor(cell / grid.columns) * down];
  for (let cell = 0; cell < scores.length; cell++) {
    const [x, y] = place(cell);
    const share = scale ? Math.min(1, Math.abs(scores[cell]) / scale) : 0;
    pen.globalAlpha = (opacity / 100) * share;
    pen.fillStyle = scores[cell] < 0 ? negative : positive;
    pen.fillRect(x, y, across, down);
    if (scores[cell] >= 0 || share < 0.1 || scores.length > FEW) continue;
    pen.globalAlpha = Math.min(1, opacity / 50);
    pen.fillStyle = palette.light[0];
    pen.fillRect(x + across / 5, y + (5 / 6) * down - 1, (3 / 5) * across, 2);
  }
  if (at === null) return;
  const [x, y] = place(at);
  pen.globalAlpha = 1;
  for (const [color, thick] of [["#ffffff", 5], ["#000000", 2]] as const) {
    pen.strokeStyle = color;
    pen.lineWidth = thick;
    pen.strokeRect(x, y, across, down);
  }
}
