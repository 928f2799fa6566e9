/** The model view: every layer and head as a small picture of its lines; a row is drawn when it comes into sight. */
import { useEffect, useRef, useState } from "preact/hooks";
import { cleared } from "../canvas.ts";
import { stepped } from "../cells.ts";
import type { Unpacked } from "../loaded.ts";
import type { AttentionLayer, AttentionView } from "../spec.ts";
import { headColor } from "./head_color.ts";
import { Lines } from "./lines.ts";
import { byteOf, type Hidden, shownOf } from "./weights.ts";

/** Height that the lines of one token take in a small picture: of more tokens only some are drawn. */
const APART = 2;
const LEAST = byteOf(0.04);
const EDGE = 5;

interface ModelProps {
  view: AttentionView;
  layers: AttentionLayer[];
  store: Unpacked;
  hidden: Hidden;
  dark: boolean;
  shown: { layer: AttentionLayer; heads: number[] };
  onEnlarge: (layer: AttentionLayer, head: number) => void;
}

export function ModelView(props: ModelProps) {
  const { layers, shown, onEnlarge } = props;
  const most = Math.max(...layers.map((layer) => layer.heads));
  const [reached, reach] = useState({ row: Math.max(0, layers.indexOf(shown.layer)), head: shown.heads[0] ?? 0 });
  const grid = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const to = stepped(event, { row: reached.row, column: reached.head }, layers.length, most);
    if (!to) return;
    const [row, head] = [to.row, Math.min(layers[to.row].heads - 1, to.column)];
    reach({ row, head });
    grid.current?.querySelector<HTMLElement>(`[data-cell="${row} ${head}"]`)?.focus();
  };
  return (
    <div>
      <div class="whence-attn-model" ref={grid} role="grid" aria-label="Layers and heads" onKeyDown={move} style={{ "--whence-heads": most }}>
        <div class="whence-attn-layer" role="row">
          <span role="columnheader" class="whence-attn-number">layer</span>
          {Array.from({ length: most }, (_, head) => (
            <span role="columnheader" class="whence-attn-number" aria-label={`head ${head}`}>{head}</span>
          ))}
        </div>
        {layers.map((layer, row) => (
          <LayerRow key={layer.number} {...props} layer={layer} reached={reached.row === row ? reached.head : null} row={row}
            onReach={(head) => reach({ row, head })} onEnlarge={(head) => onEnlarge(layer, head)} />
        ))}
      </div>
      <p class="whence-legend">
        Layer {layers[reached.row].number}, head {reached.head}: click or press Enter to enlarge. Lines from 4% on; of many
        tokens, some spread evenly.
      </p>
    </div>
  );
}

interface RowProps extends Omit<ModelProps, "onEnlarge"> {
  layer: AttentionLayer;
  row: number;
  reached: number | null;
  onReach: (head: number) => void;
  onEnlarge: (head: number) => void;
}

function LayerRow({ layer, row, shown, reached, onReach, onEnlarge, ...drawn }: RowProps) {
  return (
    <div class="whence-attn-layer" role="row">
      <span role="rowheader" class="whence-attn-number" aria-label={`layer ${layer.number}`}>{layer.number}</span>
      <RowPicture {...drawn} layer={layer} />
      {Array.from({ length: layer.heads }, (_, head) => (
        <span role="gridcell">
          <button
            type="button"
            class={`whence-attn-cell${shown.layer === layer && shown.heads.includes(head) ? " whence-attn-chosen" : ""}`}
            data-cell={`${row} ${head}`}
            aria-label={`Layer ${layer.number}, head ${head}`}
            title={`Layer ${layer.number}, head ${head}`}
            tabIndex={reached === head ? 0 : -1}
            onMouseEnter={() => onReach(head)}
            onFocus={() => onReach(head)}
            onClick={() => onEnlarge(head)}
          />
        </span>
      ))}
    </div>
  );
}

/** All heads of a layer on one canvas, behind their buttons. */
function RowPicture({ view, layer, store, hidden, dark }: Pick<RowProps, "view" | "layer" | "store" | "hidden" | "dark">) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [isSeen, see] = useState(false);
  useEffect(() => {
    const sight = new IntersectionObserver((entries) => see(entries.at(-1)!.isIntersecting), { rootMargin: "200px" });
    const size = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    sight.observe(canvas.current!);
    size.observe(canvas.current!);
    return () => {
      sight.disconnect();
      size.disconnect();
    };
  }, []);
  useEffect(() => {
    if (!isSeen || !width) return;
    let wanted = true;
    void store.of(layer.weights).then((bytes) => wanted && drawRow(canvas.current!, view, layer, bytes, hidden, dark));
    return () => {
      wanted = false;
    };
  }, [isSeen, width, view, layer, store, hidden, dark]);
  return <canvas ref={canvas} class="whence-attn-picture" style={{ "--whence-columns": layer.heads }} role="presentation" />;
}

function drawRow(canvas: HTMLCanvasElement, view: AttentionView, layer: AttentionLayer, bytes: ArrayLike<number>, hidden: Hidden, dark: boolean) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = cleared(canvas, width, height);
  if (!context) return;
  const cell = width / layer.heads;
  const inside = height - 2 * EDGE;
  const queries = shownOf(view.tokens, layer.queries, hidden);
  const keys = shownOf(view.tokens, layer.keys, hidden);
  const long = Math.max(queries.length, keys.length);
  const step = Math.max(1, (long * APART) / inside);
  const drawn = queries.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const heightOf = (places: number[]) => {
    const rows = new Map(places.map((at, row) => [at, row]));
    return (at: number) => EDGE + (inside * (rows.get(at)! + 0.5)) / long;
  };
  const heights = { query: heightOf(queries), key: heightOf(keys) };
  for (let head = 0; head < layer.heads; head++) {
    const lines = new Lines();
    lines.add(bytes, layer, [head], drawn, keys, LEAST, heights);
    lines.draw(context, head * cell + EDGE, (head + 1) * cell - EDGE, 1.5, true, () => ({ color: headColor(head, dark), shift: 0 }));
  }
}
