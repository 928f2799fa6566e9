/** The head view: lines from each token to the tokens it looked at, in the colours of the heads. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AttentionLayer, AttentionView } from "../spec.ts";
import { headColor } from "./head_color.ts";
import type { Bytes } from "./loaded.ts";
import { cleared, Lines } from "./lines.ts";
import { Check } from "./check.tsx";
import { Strongest } from "./strongest.tsx";
import { inSight, MOST_ROWS, ROW, TokenColumn, type Weighed } from "./token_column.tsx";
import { byteOf, type Hidden, mean, percent, type Point, shownOf, topOf, weightsTo } from "./weights.ts";

/** What a token that is pointed at is to show at least: a thousandth. */
const LEAST_OF_POINT = byteOf(0.001);
const TOLD = 5;
/** Height that the lines of several heads between the same tokens share, beside each other. */
const SPREAD = 12;

export interface HeadProps {
  view: AttentionView;
  layer: AttentionLayer;
  bytes: Bytes | null;
  heads: number[];
  hidden: Hidden;
  least: number;
  dark: boolean;
  pinned: Point | null;
  onPin: (point: Point | null) => void;
}

export function HeadView(props: HeadProps) {
  const { view, layer, bytes, heads, hidden, dark, pinned, onPin } = props;
  const [pointed, pointAt] = useState<Point | null>(null);
  const [tops, setTops] = useState({ query: 0, key: 0 });
  const last = useRef(tops);
  const led = useRef({ query: -1, key: -1 });
  const [wish, wishFor] = useState<boolean | null>(null);
  const isTogether = wish ?? layer.kind !== "cross";
  const boxes = { query: useRef<HTMLDivElement>(null), key: useRef<HTMLDivElement>(null) };
  const places = useMemo(
    () => ({ query: shownOf(view.tokens, layer.queries, hidden), key: shownOf(view.tokens, layer.keys, hidden) }),
    [view, layer, hidden],
  );
  const tokens = { query: view.tokens.slice(...layer.queries), key: view.tokens.slice(...layer.keys) };
  const height = ROW * Math.min(MOST_ROWS, Math.max(1, places.query.length, places.key.length));
  const isLong = height < ROW * Math.max(places.query.length, places.key.length);
  const point = [pointed, pinned].find((one) => one && places[one.side].includes(one.at)) ?? null;
  const from = point && other(point.side);
  const top = point && from && bytes ? topOf(bytes, layer, heads, point, places[from], TOLD) : [];
  const told = point && from ? account(tokens[point.side][point.at].text, point.side, top.map((link) => ({ ...link, text: tokens[from][link.at].text }))) : "";
  const weighed = (at: number): Weighed => {
    const weights = weightsTo(bytes!, layer, heads, point!, at);
    const parts = heads.map((head, i) => ({ color: headColor(head, dark), share: weights[i] / heads.length }));
    const each = heads.map((head, i) => `head ${head} ${percent(weights[i])}`).join(", ");
    const name = heads.length === 1 ? percent(weights[0]) : `mean ${percent(mean(weights))} (${each})`;
    return { weight: mean(weights), parts, name };
  };
  const scrollTo = (side: Point["side"], to: number) => {
    const box = boxes[side].current!;
    box.scrollTop = to;
    led.current[side] = box.scrollTop;
  };
  const scrolled = (side: Point["side"], top: number) => {
    const by = top - last.current[side];
    last.current[side] = top;
    setTops({ ...last.current });
    const isLed = top === led.current[side];
    led.current[side] = -1;
    if (isTogether && !isLed) scrollTo(other(side), boxes[other(side)].current!.scrollTop + by);
  };
  const pin = (side: Point["side"], at: number) => {
    const same = pinned?.side === side && pinned.at === at;
    onPin(same ? null : { side, at });
    const best = !same && bytes ? topOf(bytes, layer, heads, { side, at }, places[other(side)], 1)[0] : undefined;
    if (!best) return;
    const place = ROW * places[other(side)].indexOf(best.at);
    const top = tops[other(side)];
    if (place < top || place + ROW > top + height) scrollTo(other(side), place - height / 2);
  };
  const turn = (event: WheelEvent) => {
    if (!isLong) return;
    event.preventDefault();
    for (const side of ["query", "key"] as const) scrollTo(side, tops[side] + event.deltaY);
  };
  const column = (side: Point["side"]) => (
    <TokenColumn
      side={side}
      heading={side === "query" ? "Tokens that look" : "Tokens looked at"}
      tokens={tokens[side]}
      places={places[side]}
      direction={view.direction}
      scroller={boxes[side]}
      top={tops[side]}
      height={height}
      pointed={point?.side === side ? point.at : null}
      pinned={pinned?.side === side ? pinned.at : null}
      pointedName={told}
      weighed={from === side && bytes && heads.length ? weighed : null}
      beyond={from === side && bytes ? beyond(side) : null}
      onScroll={(top) => scrolled(side, top)}
      onPoint={(at) => pointAt(at === null ? null : { side, at })}
      onPin={(at) => pin(side, at)}
    />
  );
  const beyond = (side: Point["side"]) => {
    const [first, end] = inSight(places[side].length, tops[side] + ROW / 2, height - ROW);
    const share = (some: number[]) => some.reduce((total, at) => total + mean(weightsTo(bytes!, layer, heads, point!, at)), 0);
    const whole = side === "key" ? 1 : share(places[side]) || 1;
    return { above: share(places[side].slice(0, first)) / whole, below: share(places[side].slice(end)) / whole };
  };
  return (
    <div class="whence-attn-head">
      <div class="whence-attn-sides whence-quiet">
        <span>each {sideName(layer, "query")} looks</span>
        <span>{isLong ? <Check name="scroll both" on={isTogether} onTurn={wishFor} /> : "→"}</span>
        <span>at {sideName(layer, "key")}s</span>
      </div>
      <div class="whence-attn-lines">
        {column("query")}
        <Canvas {...props} point={point} places={places} tops={tops} height={height} onWheel={turn} />
        {column("key")}
      </div>
      <p class="whence-attn-told">{told || "Point at a token, or go to it with tab and arrow keys, to see where it looks. Click to keep it."}</p>
      {bytes ? <Strongest view={view} layer={layer} bytes={bytes} heads={heads} places={places} point={point} /> : null}
    </div>
  );
}

function other(side: Point["side"]): Point["side"] {
  return side === "query" ? "key" : "query";
}

function sideName(layer: AttentionLayer, side: Point["side"]): string {
  const isSource = layer.kind === "encoder" || (layer.kind === "cross" && side === "key");
  return layer.kind === "self" ? "token" : isSource ? "encoder token" : "decoder token";
}

/** Where a token looks, or who looks at it, in words. */
function account(text: string, side: Point["side"], links: { text: string; weight: number }[]): string {
  const list = links.map((link) => `“${link.text}” ${percent(link.weight)}`).join(", ");
  if (side === "query") return list ? `“${text}” looks at ${list}` : `“${text}” looks at none of the tokens shown`;
  return list ? `“${text}” is looked at by ${list}` : `“${text}” is looked at by none of the tokens shown`;
}

interface CanvasProps extends HeadProps {
  point: Point | null;
  places: { query: number[]; key: number[] };
  tops: { query: number; key: number };
  height: number;
  onWheel: (event: WheelEvent) => void;
}

function Canvas(props: CanvasProps) {
  const { heads, height, dark } = props;
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
    if (!context || !props.bytes || !width) return;
    const lines = linesOf(props);
    const step = Math.min(2, SPREAD / heads.length);
    const shift = (head: number) => step * (heads.indexOf(head) - (heads.length - 1) / 2);
    lines.draw(context, 0, width, 4, false, (head) => ({ color: headColor(head, dark), shift: shift(head) }));
    setNote(!heads.length ? "Choose a head." : lines.count ? crowded(lines) : "No weight here reaches the limit.");
  });
  return (
    <div class="whence-attn-canvas" onWheel={props.onWheel}>
      <canvas ref={canvas} style={{ height: `${height}px` }} aria-hidden="true" />
      {note ? <span class="whence-attn-note">{note}</span> : null}
    </div>
  );
}

function crowded(lines: Lines): string {
  const from = lines.drawnFrom;
  return from ? `Too many lines: those under ${percent((from / 255) ** 2)} are left out.` : "";
}

/** The lines of the token pointed at; else of all queries in sight. An end out of sight is drawn at the edge. */
function linesOf({ layer, bytes, heads, least, point, places, tops, height }: CanvasProps): Lines {
  const row = { query: rowsOf(places.query), key: rowsOf(places.key) };
  const heightOf = (side: Point["side"]) => (at: number) =>
    Math.max(-6, Math.min(height + 6, (row[side].get(at)! + 0.5) * ROW - tops[side]));
  const lines = new Lines();
  const queries = point?.side === "query" ? [point.at] : point ? places.query : places.query.slice(...inSight(places.query.length, tops.query, height));
  const keys = point?.side === "key" ? [point.at] : places.key;
  const from = point ? Math.min(byteOf(least), LEAST_OF_POINT) : byteOf(least);
  lines.add(bytes!, layer, heads, queries, keys, from, { query: heightOf("query"), key: heightOf("key") });
  return lines;
}

function rowsOf(places: number[]): Map<number, number> {
  return new Map(places.map((at, row) => [at, row]));
}
