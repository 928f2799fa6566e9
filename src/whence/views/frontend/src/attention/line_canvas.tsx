/** The lines between the two columns, as far as they are in sight. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { cleared } from "../canvas.ts";
import type { Bytes } from "../loaded.ts";
import type { AttentionLayer } from "../spec.ts";
import { headColor } from "./head_color.ts";
import { Lines } from "./lines.ts";
import { inSight, ROW } from "./token_column.tsx";
import { byteOf, percent, type Point, weightOf } from "./weights.ts";

/** What one head shows of a token that is pointed at: a thousandth at least. */
const LEAST_OF_POINT = byteOf(0.001);
/** Height that the lines of several heads between the same tokens share, beside each other. */
const SPREAD = 12;
/** An end out of sight is drawn just outside, this much farther each time that its distance doubles. */
const FARTHER = 14;

interface CanvasProps {
  layer: AttentionLayer;
  bytes: Bytes | null;
  heads: number[];
  least: number;
  dark: boolean;
  point: Point | null;
  places: Record<Point["side"], number[]>;
  tops: Record<Point["side"], number>;
  height: number;
  onWheel: (event: WheelEvent) => void;
}

export function LineCanvas(props: CanvasProps) {
  const { bytes, heads, height, dark } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [note, setNote] = useState("");
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    watch.observe(canvas.current!);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    const context = cleared(canvas.current!, width, height);
    if (!context || !bytes || !width) return;
    const lines = linesOf(props, bytes);
    const step = Math.min(3, SPREAD / heads.length);
    const shift = (head: number) => step * (heads.indexOf(head) - (heads.length - 1) / 2);
    lines.draw(context, 0, width, 4, false, (head) => ({ color: headColor(head, dark), shift: shift(head) }));
    const isEmpty = !props.places.query.length || !props.places.key.length;
    setNote(isEmpty ? "All tokens of a side are hidden." : heads.length ? remark(lines) : "Choose a head.");
  });
  return (
    <div class="whence-attn-canvas" onWheel={props.onWheel}>
      <canvas ref={canvas} style={{ height: `${height}px` }} aria-hidden="true" />
      {note ? <span class="whence-attn-note">{note}</span> : null}
    </div>
  );
}

function remark(lines: Lines): string {
  if (!lines.count) return "No weight here reaches the limit.";
  return lines.drawnFrom ? `Too many lines: those under ${percent(weightOf(lines.drawnFrom))} are left out.` : "";
}

function outside(distance: number): number {
  return FARTHER * Math.log2(1 + distance / ROW);
}

/** The lines of the token pointed at; else of all queries in sight. */
function linesOf({ layer, heads, least, point, places, tops, height }: CanvasProps, bytes: Bytes): Lines {
  const heightOf = (side: Point["side"]) => {
    const rows = new Map(places[side].map((at, row) => [at, row]));
    return (at: number) => {
      const place = (rows.get(at)! + 0.5) * ROW - tops[side];
      return place < 0 ? -outside(-place) : place > height ? height + outside(place - height) : place;
    };
  };
  const shown = point ? places.query : places.query.slice(...inSight(places.query.length, tops.query, height));
  const queries = point?.side === "query" ? [point.at] : shown;
  const keys = point?.side === "key" ? [point.at] : places.key;
  const from = point && heads.length === 1 ? Math.min(byteOf(least), LEAST_OF_POINT) : byteOf(least);
  const lines = new Lines();
  lines.add(bytes, layer, heads, queries, keys, from, { query: heightOf("query"), key: heightOf("key") });
  return lines;
}
