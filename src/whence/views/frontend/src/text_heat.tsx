/** Heat maps of a text: the level it is shown at, one strip a row of scores, and what is said of the token pointed at. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Check, Choice, Quoted } from "./controls.tsx";
import type { Inputs, Palette, Target } from "./spec.ts";
import { Pills } from "./token_strip.tsx";
import { firstLevel, keyOf, type Pill, pillsOf, type Run, said, scaleOn, standing, textOf, type Wanted } from "./units.ts";

const NAMES: { [level: string]: string } = { tokens: "tokens", words: "words", sentences: "sentences" };

/** What a reader has chosen of a text, for all strips of a view. */
export interface Reading {
  wanted: Wanted;
  /** What is pointed at, else what the keyboard has reached, else what was clicked. */
  shown: Run | null;
  point: (run: Run | null) => void;
  reach: (run: Run | null) => void;
  /** A click: opens or closes a sentence, or keeps a token marked. */
  choose: (pill: Pill) => void;
  setLevel: (level: string) => void;
  setWithout: (without: boolean) => void;
}

export function useReading(inputs: Inputs): Reading {
  const [level, toLevel] = useState(() => firstLevel(inputs));
  const [without, setWithout] = useState(false);
  const [opened, open] = useState<ReadonlySet<string>>(new Set());
  const [pointed, point] = useState<Run | null>(null);
  const [reached, setReached] = useState<Run | null>(null);
  const [kept, keep] = useState<Run | null>(null);
  const wanted = useMemo(() => ({ level, opened, without }), [level, opened, without]);
  const setLevel = (next: string) => { toLevel(next); [keep, point, setReached].forEach((set) => set(null)); };
  const reach = (run: Run | null) => { setReached(run); point(null); };
  const choose = (pill: Pill) => {
    const same = kept && keyOf(kept) === keyOf(pill);
    if (pill.opens === null) return keep(same ? null : pill);
    const next = new Set(opened);
    if (!next.delete(keyOf(pill))) next.add(keyOf(pill));
    open(next);
  };
  return { wanted, shown: pointed ?? reached ?? kept, point, reach, choose, setLevel, setWithout };
}

/** The levels to choose from, and whether special tokens and the first have a part in the colours. */
export function ReadingControls({ inputs, reading, children }: {
  inputs: Inputs;
  reading: Reading;
  children?: ComponentChildren;
}) {
  const levels = Object.keys(inputs.levels);
  const { level, without } = reading.wanted;
  const options = ["tokens", ...levels].map((value) => ({ value, text: NAMES[value] ?? value }));
  return (
    <div class="whence-heat-controls">
      {levels.length ? <Choice name="Show" options={options} value={level} onChange={reading.setLevel} /> : null}
      {children}
      {inputs.tokens.length > 2 ? (
        <Check name="colour without special and first token" on={without} onTurn={reading.setWithout} />
      ) : null}
      {level === "sentences" ? <span class="whence-quiet">click a sentence to see its tokens</span> : null}
    </div>
  );
}

/** One row of scores over the text. */
export function TextStrip({ inputs, scores, target, reading, palette, label, onChoose }: {
  inputs: Inputs;
  scores: ArrayLike<number>;
  target: Pick<Target, "seen" | "token" | "unit">;
  reading: Reading;
  palette: Palette;
  label?: string;
  onChoose?: (token: number) => void;
}) {
  const pills = useMemo(
    () => pillsOf(inputs, scores, target.seen, target.token, reading.wanted),
    [inputs, scores, target, reading.wanted],
  );
  return (
    <Pills
      pills={pills}
      unit={target.unit}
      palette={palette}
      direction={inputs.direction}
      label={label}
      marked={reading.shown}
      onPoint={reading.point}
      onReach={reading.reach}
      onChoose={(pill) => { reading.choose(pill); onChoose?.(pill.from); }}
    />
  );
}

/** Both ends of the colours of the level shown, and what they leave out. */
export function scaleShown(inputs: Inputs, scores: ArrayLike<number>, seen: number, { wanted }: Reading): number {
  return scaleOn(inputs, scores, wanted.level, seen, wanted.without);
}

/** What the colours are of, where that is not each token's own score. */
export function scaleNote({ wanted }: Reading, unread: boolean): string {
  const notes = unread ? ["without colour: not read yet when this was predicted"] : [];
  if (wanted.level !== "tokens") notes.push(`colours are of sums over ${wanted.level}`);
  if (wanted.opened.size && wanted.level === "sentences") notes.push("open sentences have a scale of their tokens");
  if (wanted.without) notes.push("scale without special tokens and the first; the scores are unchanged");
  return notes.join(" · ");
}

/** What a run of tokens is: its text, and of a single one its id and role. */
export function WhatItIs({ inputs, run, level }: { inputs: Inputs; run: Run; level: string }) {
  const text = textOf(inputs, run, level);
  const token = inputs.tokens[run.from];
  const id = inputs.ids[run.from];
  const about = run.to - run.from > 1
    ? [`sum of ${run.to - run.from} tokens`]
    : [id === null ? "" : `id ${id}`, token.role, token.special ? "special" : ""];
  return (
    <>
      <strong><Quoted text={text} /></strong>
      <span class="whence-quiet">{about.filter(Boolean).join(" · ")}</span>
    </>
  );
}

/** A run's score, rank and share, as facts one after another. */
export function facts(inputs: Inputs, scores: ArrayLike<number>, run: Run, level: string, target: Pick<Target, "seen" | "unit">) {
  if (run.from >= target.seen) return ["not read yet when this was predicted: no score"];
  return said(standing(inputs, scores, run, level, target.seen), target.unit);
}
