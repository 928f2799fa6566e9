/** The heat map of one explanation. */
import { useMemo, useState } from "preact/hooks";
import { read, scaleOf } from "./numbers.ts";
import type { HeatView, Props } from "./spec.ts";
import { TokenStrip } from "./token_strip.tsx";

export function Heat({ view, select }: Props<HeatView>) {
  const [row] = useState(0);
  const all = useMemo(() => read(view.scores), [view]);
  const target = view.targets[row];
  const scores = all.slice(row * view.tokens.length, row * view.tokens.length + target.seen);
  return (
    <TokenStrip
      tokens={view.tokens.slice(0, target.seen)}
      scores={scores}
      scale={scaleOf(scores)}
      unit={target.unit}
      palette={view.palette}
      direction={view.direction}
      onChoose={(token) => select?.({ row, token })}
    />
  );
}
