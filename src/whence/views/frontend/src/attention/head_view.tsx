/** The head view: lines from each token to the tokens it looked at, in the colours of the heads. */
import { useMemo, useState } from "preact/hooks";
import { Check } from "../controls.tsx";
import type { Bytes } from "../loaded.ts";
import type { AttentionLayer, AttentionView } from "../spec.ts";
import { headColor } from "./head_color.ts";
import { LineCanvas } from "./line_canvas.tsx";
import { useScrolling } from "./scrolling.ts";
import { Strongest } from "./strongest.tsx";
import { inSight, MOST_ROWS, ROW, TokenColumn, type Weighed } from "./token_column.tsx";
import { type Hidden, mean, other, percent, type Point, shownOf, topOf, weightsTo } from "./weights.ts";

type Side = Point["side"];

/** Where an isolated run of text begins and ends; by their numbers, so that no page holds the bare characters. */
const [ISOLATE, POP] = [0x2068, 0x2069].map((code) => String.fromCharCode(code));
/** How many of the tokens that one looks at are told in words. */
const TOLD = 5;

interface HeadProps {
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
  const [wish, wishFor] = useState<boolean | null>(null);
  const isTogether = wish ?? layer.kind !== "cross";
  const { boxes, tops, scrolled, scrollTo } = useScrolling(isTogether);
  const places = useMemo(
    () => ({ query: shownOf(view.tokens, layer.queries, hidden), key: shownOf(view.tokens, layer.keys, hidden) }),
    [view, layer, hidden],
  );
  const tokens = { query: view.tokens.slice(...layer.queries), key: view.tokens.slice(...layer.keys) };
  const rows = Math.max(1, places.query.length, places.key.length);
  const height = ROW * Math.min(MOST_ROWS, rows);
  const point = [pointed, pinned].find((one) => one && places[one.side].includes(one.at)) ?? null;
  const best = (of: Point, most: number) => (bytes ? topOf(bytes, layer, heads, of, places[other(of.side)], most) : []);
  const told = point ? account(point, best(point, TOLD), tokens) : "";
  const pin = (side: Side, at: number) => {
    const isSame = pinned?.side === side && pinned.at === at;
    onPin(isSame ? null : { side, at });
    const [most] = isSame ? [] : best({ side, at }, 1);
    if (!most) return;
    const [place, top] = [ROW * places[other(side)].indexOf(most.at), tops[other(side)]];
    if (place < top || place + ROW > top + height) scrollTo(other(side), place - height / 2);
  };
  const turn = (event: WheelEvent) => {
    if (rows <= MOST_ROWS) return;
    event.preventDefault();
    for (const side of ["query", "key"] as const) scrollTo(side, tops[side] + event.deltaY);
  };
  const column = (side: Side) => {
    const from = point && bytes && heads.length && point.side !== side ? point : null;
    const to = (at: number) => weightsTo(bytes!, layer, heads, point!, at);
    return (
      <TokenColumn
        side={side}
        heading={side === "query" ? "Tokens that look" : "Tokens looked at"}
        tokens={tokens[side]}
        start={layer[side === "query" ? "queries" : "keys"][0]}
        places={places[side]}
        direction={view.direction}
        scroller={boxes[side]}
        top={tops[side]}
        height={height}
        pointed={point?.side === side ? point.at : null}
        pinned={pinned?.side === side ? pinned.at : null}
        pointedName={told}
        weighed={from && ((at) => weighed(heads, to(at), dark))}
        beyond={from && beyond(side, places[side], tops[side], height, (at) => mean(to(at)))}
        onScroll={(top) => scrolled(side, top)}
        onPoint={(at) => pointAt(at === null ? null : { side, at })}
        onPin={(at) => pin(side, at)}
      />
    );
  };
  return (
    <div>
      <div class="whence-attn-sides whence-quiet">
        <span>each {sideName(layer, "query")} looks</span>
        <span>{rows > MOST_ROWS ? <Check name="scroll both" on={isTogether} onTurn={wishFor} /> : "→"}</span>
        <span>at {sideName(layer, "key")}s</span>
      </div>
      <div class="whence-attn-lines">
        {column("query")}
        <LineCanvas {...props} point={point} places={places} tops={tops} height={height} onWheel={turn} />
        {column("key")}
      </div>
      <p class="whence-attn-told">{told || "Point at a token, or go to it with tab and arrow keys, to see where it looks. Click to keep it."}</p>
      {bytes ? <Strongest view={view} layer={layer} bytes={bytes} heads={heads} places={places} point={point} /> : null}
    </div>
  );
}

function sideName(layer: AttentionLayer, side: Side): string {
  const isSource = layer.kind === "encoder" || (layer.kind === "cross" && side === "key");
  return layer.kind === "self" ? "token" : isSource ? "encoder token" : "decoder token";
}

/** Where a token looks, or who looks at it, in words. */
export function account({ side, at }: Point, links: { at: number; weight: number }[], tokens: AttentionTokens): string {
  const list = links.map((link) => `${quoted(tokens[other(side)][link.at].text)} ${percent(link.weight)}`).join(", ");
  return `${quoted(tokens[side][at].text)} ${side === "query" ? "looks at" : "is looked at by"} ${list || "none of the tokens shown"}`;
}

/** A token in quotation marks, closed off where it runs right to left, so that its neighbours keep their places. */
function quoted(text: string): string {
  return /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(text) ? `“${ISOLATE}${text}${POP}”` : `“${text}”`;
}

type AttentionTokens = Record<Side, AttentionView["tokens"]>;

/** A token's weights of the heads, as its bar and its name tell them. */
function weighed(heads: number[], weights: number[], dark: boolean): Weighed {
  const parts = heads.map((head, i) => ({ color: headColor(head, dark), share: weights[i] / heads.length }));
  const each = heads.map((head, i) => `head ${head} ${percent(weights[i])}`).join(", ");
  const name = heads.length === 1 ? percent(weights[0]) : `mean ${percent(mean(weights))} (${each})`;
  return { weight: mean(weights), parts, name };
}

/** How much weight lies out of sight: of a query's all, of what a key is given its share. */
function beyond(side: Side, places: number[], top: number, height: number, weight: (at: number) => number) {
  const [first, end] = inSight(places.length, top + ROW / 2, height - ROW);
  const share = (some: number[]) => some.reduce((total, at) => total + weight(at), 0);
  const whole = side === "key" ? 1 : share(places) || 1;
  return { above: share(places.slice(0, first)) / whole, below: share(places.slice(end)) / whole };
}
