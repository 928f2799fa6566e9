/** How far the two columns of tokens are scrolled, together or each on its own. */
import { useRef, useState } from "preact/hooks";
import { other, type Point } from "./weights.ts";

type Side = Point["side"];

export interface Scrolling {
  boxes: Record<Side, { current: HTMLDivElement | null }>;
  tops: Record<Side, number>;
  /** What a column says when it was scrolled. */
  scrolled: (side: Side, top: number) => void;
  /** Scrolls one column and leaves the other. */
  scrollTo: (side: Side, top: number) => void;
}

export function useScrolling(isTogether: boolean): Scrolling {
  const boxes = { query: useRef<HTMLDivElement>(null), key: useRef<HTMLDivElement>(null) };
  const [tops, setTops] = useState({ query: 0, key: 0 });
  const last = useRef(tops);
  const led = useRef({ query: -1, key: -1 });
  const scrollTo = (side: Side, top: number) => {
    const box = boxes[side].current!;
    box.scrollTop = top;
    led.current[side] = box.scrollTop;
  };
  const scrolled = (side: Side, top: number) => {
    const by = top - last.current[side];
    last.current[side] = top;
    setTops({ ...last.current });
    const isLed = top === led.current[side];
    led.current[side] = -1;
    if (isTogether && !isLed) scrollTo(other(side), boxes[other(side)].current!.scrollTop + by);
  };
  return { boxes, tops, scrolled, scrollTo };
}
