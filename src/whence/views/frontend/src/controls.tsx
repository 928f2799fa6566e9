/** Controls that several views have: one choice of a few, and the legend of colours. */
import "./heat.css";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { heatStyle } from "./colors.ts";
import { signed } from "./numbers.ts";
import type { Palette } from "./spec.ts";

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

/** What stands where a score would be read out. */
export function Hint() {
  return <span class="whence-quiet">Point at a score, or go to it with Tab and the arrow keys, to read it here.</span>;
}

interface CheckProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ComponentChildren;
}

export function Check({ checked, onChange, children }: CheckProps) {
  return (
    <label class="whence-heat-check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} /> {children}
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
