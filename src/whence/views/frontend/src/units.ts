/** Tokens, or runs of them, with their scores: what a strip shows, and what can be said of one. */
import { percent, signed } from "./numbers.ts";
import type { Inputs, Level, Token } from "./spec.ts";

/** The tokens from `from` up to, not including, `to`. */
export interface Run {
  from: number;
  to: number;
}

/** One place of a strip. `score` is null where the prediction could not read it; `aside` where it is left out of the
 *  colours; `opens` where it stands for tokens that can be shown, or are. */
export interface Pill extends Run {
  text: string;
  score: number | null;
  scale: number;
  gap: boolean;
  ends: boolean;
  begins: boolean;
  own: boolean;
  aside: boolean;
  opens: boolean | null;
}

/** More tokens than this are shown as sentences at first. */
export const MANY = 400;

export function keyOf(run: Run): string {
  return `${run.from}-${run.to}`;
}

/** The runs of a level; of tokens, one each. */
export function runsOf(inputs: Inputs, level: string): Run[] {
  const found: Level | undefined = inputs.levels[level];
  const starts = found ? found.starts : inputs.tokens.map((_, i) => i);
  return starts.map((from, i) => ({ from, to: starts[i + 1] ?? inputs.tokens.length }));
}

/** The level that is shown at first. */
export function firstLevel(inputs: Inputs): string {
  return inputs.tokens.length > MANY && inputs.levels.sentences ? "sentences" : "tokens";
}

export function sum(scores: ArrayLike<number>, run: Run): number {
  let total = 0;
  for (let i = run.from; i < run.to; i++) total += scores[i];
  return total;
}

/** The text of a run: that of its tokens, unless the level has a name for it. */
export function textOf(inputs: Inputs, run: Run, level: string): string {
  const { tokens } = inputs;
  const names = inputs.levels[level]?.names;
  const name = names?.[inputs.levels[level].starts.indexOf(run.from)];
  const spaced = /^[ ␣]/.test(tokens[run.from].text) ? " " : "";
  if (name !== undefined) return spaced + name;
  const parts = tokens.slice(run.from, run.to).map((token, i) => (i && token.gap ? " " : "") + token.text);
  return parts.join("");
}

/** Whether a run is left out of the colours where special tokens and the first one are: all of it is, or begins there. */
export function isAside(tokens: Token[], run: Run): boolean {
  return run.from === 0 || tokens.slice(run.from, run.to).every((token) => token.special);
}

/** The largest |sum| of the runs a prediction could read. */
export function scaleOfRuns(scores: ArrayLike<number>, runs: Run[], seen: number): number {
  return runs.reduce((most, run) => (run.from < seen ? Math.max(most, Math.abs(sum(scores, run))) : most), 0);
}

export interface Wanted {
  level: string;
  opened: ReadonlySet<string>;
  /** Colours without special tokens and the first. */
  without: boolean;
}

/** What a strip shows of one row of scores. */
export function pillsOf(
  inputs: Inputs,
  scores: ArrayLike<number>,
  seen: number,
  own: number | null,
  { level, opened, without }: Wanted,
): Pill[] {
  const { tokens } = inputs;
  const runs = runsOf(inputs, level);
  const scales = { run: scaleOn(inputs, scores, level, seen, without), token: 0 };
  scales.token = opened.size ? scaleOn(inputs, scores, "tokens", seen, without) : scales.run;
  const pill = (run: Run, text: string, scale: number, opens: boolean | null): Pill => ({
    ...run,
    text,
    score: run.from < seen ? sum(scores, run) : null,
    scale,
    gap: tokens[run.from].gap,
    ends: tokens[run.to - 1].ends && opens !== true,
    begins: tokens[run.from].begins,
    own: own !== null && run.from <= own && own < run.to,
    aside: without && isAside(tokens, run),
    opens,
  });
  return runs.flatMap((run) => {
    const folded = level === "sentences" && run.to - run.from > 1;
    const open = folded && opened.has(keyOf(run));
    const whole = pill(run, open ? "▾" : textOf(inputs, run, level), scales.run, folded ? open : null);
    if (!open) return [whole];
    const inside = Array.from({ length: run.to - run.from }, (_, i) => ({ from: run.from + i, to: run.from + i + 1 }));
    return [whole, ...inside.map((one) => pill(one, tokens[one.from].text, scales.token, null))];
  });
}

/** Both ends of the colours of a level. */
export function scaleOn(inputs: Inputs, scores: ArrayLike<number>, level: string, seen: number, without: boolean): number {
  const runs = runsOf(inputs, level);
  const kept = without ? runs.filter((run) => !isAside(inputs.tokens, run)) : runs;
  return scaleOfRuns(scores, kept, seen);
}

/** What can be said of a run among the runs of its level, or, inside one, among tokens: its sum, rank and share. */
export interface Standing {
  score: number;
  rank: number;
  among: number;
  share: number | null;
  scale: number;
}

export function standing(inputs: Inputs, scores: ArrayLike<number>, run: Run, level: string, seen: number): Standing {
  const runs = runsOf(inputs, level);
  const known = runs.some((one) => one.from === run.from && one.to === run.to);
  const sums = (known ? runs : runsOf(inputs, "tokens")).filter((one) => one.from < seen).map((one) => sum(scores, one));
  return standingAmong(sum(scores, run), sums);
}

/** The scores of one row divided by their sum of |score| over what the prediction could read; zeros stay zeros. */
export function shares(scores: ArrayLike<number>): Float64Array {
  const total = Array.from(scores).reduce((all, one) => all + Math.abs(one), 0);
  return Float64Array.from(scores, (score) => (total ? score / total : 0));
}

/** What the first row of scores gives each token more than the second; as shares where their units differ. */
export function difference(first: ArrayLike<number>, second: ArrayLike<number>, sameUnit: boolean): Float64Array {
  const [mine, theirs] = sameUnit ? [first, second] : [shares(first), shares(second)];
  return Float64Array.from(mine, (score, i) => score - theirs[i]);
}

/** A score, its rank by |score| and its share of their sum, among scores. */
export function standingAmong(score: number, scores: number[]): Standing {
  const sizes = scores.map(Math.abs);
  const total = sizes.reduce((all, one) => all + one, 0);
  return {
    score,
    rank: 1 + sizes.filter((one) => one > Math.abs(score)).length,
    among: sizes.length,
    share: total ? Math.abs(score) / total : null,
    scale: sizes.reduce((most, one) => Math.max(most, one), 0),
  };
}

/** What `said` says of a score beside itself. */
export const SAID = ["by |score|", "of Σ|score|"];

/** What is said of a score: itself with its sign and unit, its rank, and its share. */
export function said({ score, rank, among, share, scale }: Standing, unit: string): string[] {
  const part = share === null ? [] : [percent(share)];
  return [`${signed(score, scale)} ${unit}`, `${ordinal(rank)} of ${among}`, ...part];
}

/** The same, each with what it is. */
export function named([score, ...rest]: string[]): string[] {
  return [score, ...rest.map((fact, i) => `${fact} ${SAID[i]}`)];
}

/** 1st, 2nd, 3rd, 4th, ... */
export function ordinal(rank: number): string {
  const teen = rank % 100 > 10 && rank % 100 < 14;
  return `${rank}${(!teen && { 1: "st", 2: "nd", 3: "rd" }[rank % 10]) || "th"}`;
}
