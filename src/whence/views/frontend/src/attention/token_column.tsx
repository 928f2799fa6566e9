/** One side's tokens, from top to bottom in a box of limited height: only those in sight are in the page.
 *  One stop of the tab key; arrow keys go from token to token. */
import { type RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { along } from "../cells.ts";
import type { Token } from "../spec.ts";
import { percent } from "./weights.ts";

export const ROW = 24;
export const MOST_ROWS = 25;
const AROUND = 3;

/** The weight between a token and the one pointed at: its mean over heads, and each head's part of the bar. */
export interface Weighed {
  weight: number;
  parts: { color: string; share: number }[];
  name: string;
}

interface ColumnProps {
  side: "query" | "key";
  heading: string;
  tokens: Token[];
  /** The place of the first of them among all tokens of the view. */
  start: number;
  places: number[];
  direction: "ltr" | "rtl";
  scroller: RefObject<HTMLDivElement | null>;
  top: number;
  height: number;
  pointed: number | null;
  pinned: number | null;
  pointedName: string;
  weighed: ((at: number) => Weighed) | null;
  beyond: { above: number; below: number } | null;
  onScroll: (top: number) => void;
  onPoint: (at: number | null) => void;
  onPin: (at: number) => void;
}

/** The rows from first to last that a box shows, and some around them. */
export function inSight(rows: number, top: number, height: number, around = 0): [number, number] {
  return [Math.max(0, Math.floor(top / ROW) - around), Math.min(rows, Math.ceil((top + height) / ROW) + around)];
}

export function TokenColumn(props: ColumnProps) {
  const { side, places, top, height, scroller, onScroll, onPoint } = props;
  const [wanted, want] = useState(0);
  const reached = Math.min(wanted, places.length - 1);
  const focusing = useRef(false);
  useLayoutEffect(() => {
    if (!focusing.current) return;
    focusing.current = false;
    scroller.current?.querySelector<HTMLElement>(`[data-row="${reached}"]`)?.focus({ preventScroll: true });
  });
  const move = (event: KeyboardEvent) => {
    const row = along(event, reached, places.length);
    if (row === null) return;
    const box = scroller.current!;
    box.scrollTop = Math.max((row + 1) * ROW - height, Math.min(row * ROW, box.scrollTop));
    focusing.current = true;
    want(row);
    onPoint(places[row]);
  };
  const [first, end] = inSight(places.length, top, height, AROUND);
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  if (reached >= 0 && (reached < first || reached >= end)) rows.push(reached);
  return (
    <div class={`whence-attn-column whence-attn-${side}`}>
      <div
        class="whence-attn-tokens"
        ref={scroller}
        style={{ height: `${height}px` }}
        role="toolbar"
        aria-orientation="vertical"
        aria-label={props.heading}
        onScroll={(event) => onScroll(event.currentTarget.scrollTop)}
        onKeyDown={move}
        onMouseLeave={() => onPoint(null)}
      >
        <div class="whence-attn-rows" style={{ height: `${places.length * ROW}px` }}>
          {rows.map((row) => <Row key={row} {...props} row={row} isStop={row === reached} onReach={() => want(row)} />)}
        </div>
      </div>
      {props.beyond && props.beyond.above > 0 ? <Beyond at="above" sign="↑" weight={props.beyond.above} /> : null}
      {props.beyond && props.beyond.below > 0 ? <Beyond at="below" sign="↓" weight={props.beyond.below} /> : null}
    </div>
  );
}

function Beyond({ at, sign, weight }: { at: "above" | "below"; sign: string; weight: number }) {
  return <span class={`whence-attn-beyond whence-attn-${at}`}>{sign} {percent(weight)} {at}</span>;
}

function Row(props: ColumnProps & { row: number; isStop: boolean; onReach: () => void }) {
  const { tokens, places, row, pointed, pinned, weighed, onPoint, onPin, onReach } = props;
  const at = places[row];
  const token = tokens[at];
  const weighs = weighed?.(at);
  const name = pointed === at && props.pointedName ? props.pointedName : weighs ? `${token.text}: ${weighs.name}` : token.text;
  const marks = [token.special && "whence-attn-special", pointed === at && "whence-attn-pointed"];
  return (
    <button
      type="button"
      class={["whence-attn-row", ...marks].filter(Boolean).join(" ")}
      style={{ top: `${row * ROW}px` }}
      data-row={row}
      data-share={weighs && weighs.weight >= 0.0005 ? percent(weighs.weight) : weighs ? "" : props.start + at}
      tabIndex={props.isStop ? 0 : -1}
      aria-pressed={pinned === at}
      aria-label={name}
      title={name}
      onMouseEnter={() => onPoint(at)}
      onFocus={() => { onReach(); onPoint(at); }}
      onBlur={() => onPoint(null)}
      onClick={() => onPin(at)}
    >
      <bdi class="whence-attn-text" dir={props.direction}>{token.text}</bdi>
      {weighs ? (
        <span class="whence-attn-bar">
          {weighs.parts.map(({ color, share }) => <i style={{ width: `${100 * share}%`, background: color }} />)}
        </span>
      ) : null}
    </button>
  );
}
