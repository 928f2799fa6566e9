/** Tokens in reading order on the colours of their scores. One stop of the tab key; arrow keys go from token to token. */
import { useRef, useState } from "preact/hooks";
import { heatStyle } from "./colors.ts";
import { signed } from "./numbers.ts";
import type { Palette, Token } from "./spec.ts";

interface StripProps {
  tokens: Token[];
  scores: ArrayLike<number>;
  scale: number;
  unit: string;
  palette: Palette;
  direction: "ltr" | "rtl";
  marked?: number | null;
  onPoint?: (token: number | null) => void;
  onChoose?: (token: number) => void;
}

export function TokenStrip(props: StripProps) {
  const { tokens, scores, scale, unit, palette, direction, marked, onPoint, onChoose } = props;
  const [reached, reach] = useState(0);
  const strip = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const wanted = event.key === "Home" ? 0 : event.key === "End" ? tokens.length - 1 : step && reached + step;
    if (wanted === undefined || !tokens[wanted]) return;
    event.preventDefault();
    reach(wanted);
    onPoint?.(wanted);
    strip.current?.querySelectorAll<HTMLElement>(".whence-pill")[wanted]?.focus();
  };
  return (
    <div class="whence-strip" ref={strip} dir={direction} role="toolbar" aria-label={`Scores in ${unit}`} onKeyDown={move}>
      {tokens.map((token, i) => {
        const name = `${token.text}: ${signed(scores[i], scale)} ${unit}`;
        return (
          <>
            {token.begins ? <><br /><span class="whence-quiet">→ </span></> : token.gap ? " " : null}
            <button
              type="button"
              class={`whence-pill${scores[i] < 0 ? " whence-negative" : ""}${marked === i ? " whence-marked" : ""}`}
              style={heatStyle(scores[i], scale, palette)}
              title={name}
              aria-label={name}
              tabIndex={i === reached ? 0 : -1}
              onMouseEnter={() => onPoint?.(i)}
              onMouseLeave={() => onPoint?.(null)}
              onFocus={() => { reach(i); onPoint?.(i); }}
              onClick={() => onChoose?.(i)}
            >
              <bdi>{token.text}</bdi>
            </button>
            {token.ends ? <br /> : null}
          </>
        );
      })}
    </div>
  );
}
