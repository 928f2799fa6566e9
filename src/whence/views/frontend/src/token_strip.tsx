/** Tokens in reading order on the colours of their scores. One stop of the tab key; arrow keys go from token to token. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { along } from "./cells.ts";
import { heatStyle } from "./colors.ts";
import { signed } from "./numbers.ts";
import type { Palette } from "./spec.ts";
import { keyOf, MANY, type Pill, type Run } from "./units.ts";

/** Pills that a browser lays out at once, where there are many. */
const BLOCK = 120;

interface PillsProps {
  pills: Pill[];
  unit: string;
  palette: Palette;
  direction: "ltr" | "rtl";
  label?: string;
  marked?: Run | null;
  onPoint?: (pill: Pill | null) => void;
  onReach?: (pill: Pill | null) => void;
  onChoose?: (pill: Pill) => void;
}

/** A strip of pills. What is marked, and where the tab key stops, is set on the elements: pills can be thousands. */
export function Pills({ pills, unit, palette, direction, label, marked, onPoint, onReach, onChoose }: PillsProps) {
  const [reached, reach] = useState(0);
  const strip = useRef<HTMLDivElement>(null);
  /** Where the mouse was last: a page that scrolls under a mouse at rest points at nothing. */
  const mouse = useRef("");
  const scored = useMemo(() => pills.filter((pill) => pill.score !== null), [pills]);
  const stop = scored[Math.min(reached, scored.length - 1)];
  const at = (run: Run) => strip.current?.querySelector<HTMLElement>(`[data-at="${keyOf(run)}"]`);
  useLayoutEffect(() => {
    strip.current?.querySelectorAll<HTMLElement>('[tabindex="0"]').forEach((one) => { one.tabIndex = -1; });
    const wanted = stop && at(stop);
    if (wanted) wanted.tabIndex = 0;
  }, [pills, stop]);
  useLayoutEffect(() => {
    const element = marked && at(marked);
    element?.classList.add("whence-marked");
    return () => element?.classList.remove("whence-marked");
  }, [pills, marked?.from, marked?.to]);
  const of = (event: Event) => {
    const key = (event.target as Element).closest<HTMLElement>("[data-at]")?.dataset.at;
    return scored.findIndex((pill) => keyOf(pill) === key);
  };
  const point = (event: MouseEvent) => {
    const place = `${event.screenX} ${event.screenY}`;
    if (place === mouse.current) return;
    mouse.current = place;
    onPoint?.(scored[of(event)] ?? null);
  };
  const move = (event: KeyboardEvent) => {
    const place = of(event);
    const wanted = place < 0 ? null : along(event, place, scored.length);
    if (wanted === null) return;
    reach(wanted);
    at(scored[wanted])?.focus();
  };
  const drawn = useMemo(() => blocks(pills).map((block) => {
    const inside = block.map((pill) => <One key={keyOf(pill)} pill={pill} unit={unit} palette={palette} />);
    return pills.length > MANY ? <div class="whence-heat-block">{inside}</div> : <>{inside}</>;
  }), [pills, unit, palette]);
  return (
    <div
      class="whence-strip"
      ref={strip}
      dir={direction}
      role="toolbar"
      aria-label={label ?? `Scores in ${unit}`}
      onKeyDown={move}
      onMouseOver={point}
      onMouseLeave={() => onPoint?.(null)}
      onFocusIn={(event) => { const i = of(event); if (i >= 0) { reach(i); onReach?.(scored[i]); } }}
      onFocusOut={() => onReach?.(null)}
      onClick={(event) => { const pill = scored[of(event)]; if (pill) onChoose?.(pill); }}
    >
      {drawn}
    </div>
  );
}

/** Blocks that begin where a sentence, or whatever `breaks` the text, does; one where pills are few. */
function blocks(pills: Pill[]): Pill[][] {
  if (pills.length <= MANY) return [pills];
  const found: Pill[][] = [[]];
  pills.forEach((pill, i) => {
    const stop = i && /[.!?…。！？⏎]["')\]]*$/.test(pills[i - 1].text.trim());
    if (found[found.length - 1].length >= BLOCK && stop) found.push([]);
    found[found.length - 1].push(pill);
  });
  return found;
}

function One({ pill, unit, palette }: { pill: Pill; unit: string; palette: Palette }) {
  const { score, scale, text } = pill;
  const classes = ["whence-pill"];
  if (pill.own) classes.push("whence-heat-own");
  if (pill.opens === false) classes.push("whence-heat-run");
  const before = pill.begins ? <><br /><span class="whence-quiet">→ </span></> : pill.gap ? " " : null;
  const after = pill.ends ? <br /> : null;
  if (score === null) {
    classes.push("whence-heat-unread");
    return <>{before}<span class={classes.join(" ")}><bdi>{text}</bdi></span>{after}</>;
  }
  if (score < 0) classes.push("whence-negative");
  if (pill.aside) classes.push("whence-heat-aside");
  const said = `${signed(score, scale)} ${unit}`;
  const name = pill.opens ? `Close the sentence: ${said}` : `${text}: ${said}`;
  return (
    <>
      {before}
      <button
        type="button"
        class={classes.join(" ")}
        style={pill.aside ? undefined : heatStyle(score, scale, palette)}
        title={name}
        aria-label={name}
        aria-expanded={pill.opens ?? undefined}
        tabIndex={-1}
        data-at={keyOf(pill)}
      >
        <bdi>{pill.opens ? `▾ ${signed(score, scale)}` : text}</bdi>
      </button>
      {after}
    </>
  );
}
