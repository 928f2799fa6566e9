/** Controls that several views have: one choice of a few, and the legend of colours. */
import "./heat.css";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { heatStyle } from "./colors.ts";
import { signed } from "./numbers.ts";
import type { Palette, Target } from "./spec.ts";

interface ChoiceProps<T> {
  name: string;
  options: { value: T; text: string; title?: string }[];
  value: T;
  onChange: (value: T) => void;
}

/** One of several: radio buttons, so that arrow keys go from one to the next. Their name is that of no other on the
 *  page, whichever view, or copy of this script, made them. */
export function Choice<T extends string | number>({ name, options, value, onChange }: ChoiceProps<T>) {
  const group = useMemo(() => `whence-${Math.random().toString(36).slice(2)}`, []);
  return (
    <fieldset class="whence-heat-choice">
      <legend>{name}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title}>
          <input
            type="radio"
            name={group}
            checked={option.value === value}
            aria-label={option.title}
            onChange={() => onChange(option.value)}
          />
          <bdi>{option.text}</bdi>
        </label>
      ))}
    </fieldset>
  );
}

/** What is said of the score pointed at, in a fixed place, or how to point at one; `live` where screen readers would
 *  not say it else. */
export function Readout({ children, live, style }: { children: ComponentChildren; live?: boolean; style?: { minHeight: string } }) {
  return (
    <div class={`whence-heat-readout${children ? " whence-heat-said" : ""}`} aria-live={live ? "polite" : "off"} style={style}>
      {children || <span class="whence-quiet">Point at a score, or go to it with Tab and the arrow keys, to read it here.</span>}
    </div>
  );
}

/** A text no longer than that many letters. */
export function short(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** A text in quotation marks, in its own direction. */
export function Quoted({ text, most = 90 }: { text: string; most?: number }) {
  return <>“<bdi>{short(text, most)}</bdi>”</>;
}

/** The targets to choose from, and the account of the one that is chosen; nothing where there is one only. */
export function Targets({ targets, row, onChange, account }: {
  targets: (Pick<Target, "label" | "text" | "value"> & Partial<Target>)[];
  row: number;
  onChange: (row: number) => void;
  account?: boolean;
}) {
  if (targets.length < 2) return null;
  const { label, value, baseline, residual, unit } = targets[row];
  const options = targets.map((target, at) => ({ value: at, text: target.text.trim(), title: `${target.label}, ${target.value}` }));
  const known = [["Explained", label], ["Value", value]];
  if (account) known.push(["Baseline", baseline ?? ""], ["Residual", residual ?? "none claimed"], ["Unit", unit ?? ""]);
  return (
    <>
      <div class="whence-heat-targets"><Choice name="Where did it come from?" options={options} value={row} onChange={onChange} /></div>
      <dl class="whence-evidence">
        {known.map(([name, text]) => (text ? <div><dt>{name}</dt><dd>{text}</dd></div> : null))}
      </dl>
    </>
  );
}

/** A box to tick, with its name. */
export function Check({ name, on, onTurn }: { name: string; on: boolean; onTurn: (on: boolean) => void }) {
  return (
    <label class="whence-heat-check">
      <input type="checkbox" checked={on} onChange={(event) => onTurn(event.currentTarget.checked)} /> {name}
    </label>
  );
}

/** The ramp of colours between both ends of the scale; `ends` in place of numbers where each row has its own. */
export function Legend({ palette, scale, unit, children }: {
  palette: Palette;
  scale: number | null;
  unit: string;
  children?: ComponentChildren;
}) {
  const ramp = (colors: string[]) => `linear-gradient(to right, ${colors.join(", ")})`;
  const style = { background: ramp(palette.light), "--whence-dark": ramp(palette.dark) };
  const [low, high] = scale === null
    ? ["− end of the row’s scale", "+ end of the row’s scale"]
    : [signed(-scale, scale), `${signed(scale, scale)} ${unit}`];
  return (
    <p class="whence-legend">
      {scale === 0 ? <span>every score is 0</span> : (
        <>
          <span>{low}</span>
          <span class="whence-ramp" style={style} />
          <span>{high}</span>
          <span class="whence-key">
            <span class="whence-pill whence-negative" style={heatStyle(-0.45, 1, palette)}>negative</span>
            <span class="whence-pill" style={heatStyle(0.45, 1, palette)}>positive</span>
          </span>
        </>
      )}
      {children}
    </p>
  );
}
