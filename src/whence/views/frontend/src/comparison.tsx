/** Several explanations of one prediction: methods as rows over the same tokens, how far they agree, and two of them
 *  with their difference. */
import { useMemo, useState } from "preact/hooks";
import { heatStyle } from "./colors.ts";
import { Choice, Legend, Readout, Targets } from "./controls.tsx";
import { useNumbers } from "./loaded.ts";
import { part, signed } from "./numbers.ts";
import { cellFacts, Opacity, Picture, Plain } from "./picture.tsx";
import type { Agreement, ComparisonView, Props, Target } from "./spec.ts";
import { facts, ReadingControls, scaleNote, scaleShown, TextStrip, useReading, WhatItIs } from "./text_heat.tsx";
import { difference, SAID } from "./units.ts";

/** A row of scores with what it is called and is of; `scale` ends its colours over an image. */
interface Line {
  label: string;
  scores: ArrayLike<number>;
  target: Target;
  scale: number;
}

const NONE = "—";

export function Comparison({ view, select }: Props<ComparisonView>) {
  const tables = useMemo(() => view.methods.map((method) => method.scores), [view]);
  const loaded = useNumbers(tables);
  const [row, setRow] = useState(0);
  const [pair, setPair] = useState<[number, number]>([0, Math.min(1, view.methods.length - 1)]);
  const lines = useMemo(() => loaded?.map((table, i): Line => {
    const { label, rows, scales } = view.methods[i];
    return { label, scores: part(table, view.targets.length, row), target: rows[row], scale: scales[row] ?? 0 };
  }), [loaded, row]);
  if (!lines || !view.targets.length) return null;
  const choose = (method: number) => (token: number) => select?.({ row, token, method });
  const Rows = view.grid ? PictureRows : TextRows;
  return (
    <div class="whence-heat">
      <Targets targets={view.targets} row={row} onChange={setRow} />
      <Rows view={view} lines={lines} pair={pair} row={row} onPair={setPair} choose={choose} />
    </div>
  );
}

interface RowsProps {
  view: ComparisonView;
  lines: Line[];
  pair: [number, number];
  row: number;
  onPair: (pair: [number, number]) => void;
  choose: (method: number) => (token: number) => void;
}

function TextRows({ view, lines, pair, row, onPair, choose }: RowsProps) {
  const reading = useReading(view);
  const { shown, wanted } = reading;
  const strip = (line: Line, onChoose?: (token: number) => void) => (
    <div class="whence-row">
      <Head line={line} scale={scaleShown(view, line.scores, line.target.seen, reading)} />
      <TextStrip
        inputs={view} scores={line.scores} target={line.target} reading={reading} palette={view.palette}
        label={`${line.label}, scores in ${line.target.unit}`} onChoose={onChoose}
      />
    </div>
  );
  return (
    <>
      <ReadingControls inputs={view} reading={reading} />
      {lines.map((line, i) => strip(line, choose(i)))}
      <Readout style={room(lines)}>
        {shown && (
          <>
            <WhatItIs inputs={view} run={shown} level={wanted.level} />
            <Readings rows={lines.map((line) => [line.label, ...facts(view, line.scores, shown, wanted.level, line.target)])} />
          </>
        )}
      </Readout>
      <Legend palette={view.palette} scale={null} unit=""><span>{scaleNote(reading, view.targets[row].seen < view.tokens.length)}</span></Legend>
      <Agreements view={view} row={row} pair={pair} onPair={onPair}>
        {paired(lines, pair).map((line) => strip(line))}
      </Agreements>
    </>
  );
}

function PictureRows({ view, lines, pair, row, onPair, choose }: RowsProps) {
  const [opacity, setOpacity] = useState(90);
  const [at, point] = useState<number | null>(null);
  const grid = view.grid!;
  const drawn = (line: Line, onChoose?: (cell: number) => void) => (
    <div class="whence-heat-captioned">
      <Picture
        grid={grid} scores={line.scores} scale={line.scale} palette={view.palette} opacity={opacity} at={at} onPoint={point} onChoose={onChoose}
        label={`${line.label}: ${grid.unit} scores over the image. Arrow keys go from one to the next.`}
      />
      <Head line={line} scale={line.scale} />
    </div>
  );
  const said = at === null ? null : lines.map((line) => cellFacts(grid, line.scores, at, line.target.unit));
  return (
    <>
      {grid.picture ? <div class="whence-heat-controls"><Opacity value={opacity} onChange={setOpacity} /></div> : null}
      <div class="whence-heat-pictures"><Plain grid={grid} />{lines.map((line, i) => drawn(line, choose(i)))}</div>
      <Readout live style={room(lines)}>
        {said && <><strong>{said[0][0]}</strong><Readings rows={said.map((line, i) => [lines[i].label, ...line.slice(1)])} /></>}
      </Readout>
      <Legend palette={view.palette} scale={null} unit="" />
      <Agreements view={view} row={row} pair={pair} onPair={onPair}>
        <div class="whence-heat-pictures">{paired(lines, pair).map((line) => drawn(line))}</div>
      </Agreements>
    </>
  );
}

function Head({ line, scale }: { line: Line; scale: number }) {
  const { residual, unit } = line.target;
  return (
    <div class="whence-row-head">
      <strong><bdi>{line.label}</bdi></strong>
      {residual ? <span>residual {residual}</span> : null}
      <span>{scale ? `scale ±${signed(scale, scale).slice(1)} ${unit}` : "every score is 0"}</span>
    </div>
  );
}

/** Room for what each method says, so that nothing moves when it does. */
function room(lines: Line[]) {
  return { minHeight: `${5 + 2 * lines.length}em` };
}

/** What each method says of what is pointed at. */
function Readings({ rows }: { rows: string[][] }) {
  return (
    <table class="whence-numbers">
      <thead><tr>{["method", "score", ...SAID].map((name, i) => <th scope="col">{i < 2 ? name : `${i < 3 ? "rank" : "share"} ${name}`}</th>)}</tr></thead>
      <tbody>{rows.map(([label, ...said]) => <tr><th scope="row"><bdi>{label}</bdi></th>{said.map((fact) => <td>{fact}</td>)}</tr>)}</tbody>
    </table>
  );
}

/** Two rows and what the first gives each place more than the second. */
function paired(lines: Line[], [first, second]: [number, number]): Line[] {
  if (first === second) return [];
  const [a, b] = [lines[first], lines[second]];
  const same = a.target.unit === b.target.unit;
  const scores = difference(a.scores, b.scores, same);
  const unit = same ? a.target.unit : "share of each one’s Σ|score|";
  const scale = scores.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  const label = `${a.label} − ${b.label}`;
  return [a, b, { label, scores, scale, target: { ...a.target, residual: null, unit } }];
}

function Agreements({ view, row, pair, onPair, children }: Pick<RowsProps, "view" | "row" | "pair" | "onPair"> & { children: unknown }) {
  const found = useMemo(() => view.agreements.filter((entry) => entry.target === row), [view, row]);
  if (view.methods.length < 2) return null;
  const of = (a: number, b: number) => found.find((entry) => [a, b].includes(entry.first) && [a, b].includes(entry.second));
  const [first, second] = pair.map((i) => view.methods[i].label);
  return (
    <>
      <h3 class="whence-subheading">Agreement</h3>
      <div class="whence-columns">
        {found.length ? <Correlations view={view} of={of} pair={pair} onPair={onPair} /> : null}
        <div class="whence-heat-pair">
          <p><strong><bdi>{first}</bdi></strong> and <strong><bdi>{second}</bdi></strong></p>
          <Numbers key={`${row} ${pair}`} agreement={of(...pair)} />
        </div>
      </div>
      <h3 class="whence-subheading">Side by side, and <bdi>{first}</bdi> − <bdi>{second}</bdi></h3>
      {children}
    </>
  );
}

interface CorrelationsProps {
  view: ComparisonView;
  of: (a: number, b: number) => Agreement | undefined;
  pair: [number, number];
  onPair: (pair: [number, number]) => void;
}

/** Spearman correlations of every method with every other; a click on one chooses the two. */
function Correlations({ view, of, pair, onPair }: CorrelationsProps) {
  const labels = view.methods.map((method) => method.label);
  const rows = view.targets.length > 1 ? ", of this target; means over all targets stand below" : "";
  return (
    <div class="whence-scroll">
      <table class="whence-matrix">
        <caption>Spearman correlation of the signed scores{rows}; choose two methods by it</caption>
        <thead><tr><td />{labels.map((label, i) => <th scope="col" aria-label={label}>{i + 1}</th>)}</tr></thead>
        <tbody>
          {labels.map((label, a) => (
            <tr>
              <th scope="row"><span class="whence-quiet">{a + 1}</span> <bdi>{label}</bdi></th>
              {labels.map((other, b) => {
                if (a === b) return <td />;
                const value = of(a, b)?.spearman ?? null;
                const text = value === null ? NONE : signed(value, 1);
                return (
                  <td class="whence-heat-cell">
                    <button
                      type="button"
                      class="whence-heat"
                      style={value === null ? undefined : heatStyle(value, 1, view.palette)}
                      aria-pressed={pair[0] === a && pair[1] === b}
                      aria-label={`${label} and ${other}: Spearman ${value === null ? "none, constant scores" : text}`}
                      onClick={() => onPair([a, b])}
                    >
                      {text}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The record's numbers of one pair on one target. */
function Numbers({ agreement }: { agreement?: Agreement }) {
  const [k, setK] = useState(agreement?.k ?? 0);
  if (!agreement) return <p class="whence-quiet">The record holds no agreement of these two.</p>;
  const { overlaps, spearman, spearman_p, kendall, kendall_p, rbo } = agreement;
  const p = (value: number | null) => (value === null ? "" : value < 0.0005 ? " (p <0.001)" : ` (p ${value.toFixed(3)})`);
  const share = overlaps.find(([depth]) => depth === k)?.[1];
  const known: [string, string][] = [
    ["Spearman", spearman === null ? `${NONE} constant scores, no ranking` : signed(spearman, 1) + p(spearman_p)],
    ["Kendall", kendall === null ? NONE : signed(kendall, 1) + p(kendall_p)],
  ];
  if (rbo !== null) known.push(["Rank-biased overlap", rbo.toFixed(2)]);
  if (share !== undefined) known.push([`Top-${k} in common`, `${(100 * share).toFixed(0)}%`]);
  return (
    <>
      <dl class="whence-evidence">{known.map(([name, text]) => <div><dt>{name}</dt><dd>{text}</dd></div>)}</dl>
      {overlaps.length > 1
        ? <Choice name="Strongest tokens" options={overlaps.map(([depth]) => ({ value: depth, text: `${depth}` }))} value={k} onChange={setK} />
        : null}
    </>
  );
}
