/** The heat map of one explanation: one target row at a time, or all of them as a matrix. */
import { useMemo, useState } from "preact/hooks";
import type { Cell } from "./cells.ts";
import { Choice, Legend, Readout, Targets } from "./controls.tsx";
import { useNumbers } from "./loaded.ts";
import { Matrix } from "./matrix.tsx";
import { number, part, signed } from "./numbers.ts";
import { PictureHeat } from "./picture.tsx";
import type { HeatView, Props } from "./spec.ts";
import { facts, ReadingControls, scaleNote, scaleShown, TextStrip, useReading, WhatItIs } from "./text_heat.tsx";
import { named, runsOf, scaleOn, sum, textOf } from "./units.ts";

type Rows = (row: number) => ArrayLike<number>;

export function Heat({ view, select }: Props<HeatView>) {
  const tables = useMemo(() => (view.errors ? [view.scores, view.errors] : [view.scores]), [view]);
  const loaded = useNumbers(tables);
  const [row, setRow] = useState(0);
  const [scores, errors] = useMemo(() => (loaded ?? []).map((table): Rows => {
    const rows = view.targets.map((_, at) => part(table, view.targets.length, at));
    return (at) => rows[at];
  }), [loaded]);
  if (!scores || !view.targets.length) return null;
  const target = view.targets[row];
  const choose = (token: number) => select?.({ row, token });
  return (
    <div class="whence-heat">
      <Targets targets={view.targets} row={row} onChange={setRow} account />
      {view.grid
        ? <PictureHeat grid={view.grid} scores={scores(row)} scale={view.grid.scales[row]} target={target} palette={view.palette} onChoose={choose} />
        : <TextHeat view={view} row={row} scores={scores} errors={errors} onRow={setRow} onChoose={choose} />}
    </div>
  );
}

interface TextHeatProps {
  view: HeatView;
  row: number;
  scores: Rows;
  errors?: Rows;
  onRow: (row: number) => void;
  onChoose: (token: number) => void;
}

function TextHeat({ view, row, scores, errors, onRow, onChoose }: TextHeatProps) {
  const reading = useReading(view);
  const [form, setForm] = useState("text");
  const target = view.targets[row];
  const { shown, wanted } = reading;
  const forms = [{ value: "text", text: "text" }, { value: "matrix", text: "matrix" }];
  const said = shown && facts(view, scores(row), shown, wanted.level, target);
  const error = shown && errors && shown.from < target.seen ? sum(errors(row), shown) : null;
  return (
    <>
      <ReadingControls inputs={view} reading={reading}>
        {view.targets.length > 1 ? <Choice name="As" options={forms} value={form} onChange={setForm} /> : null}
      </ReadingControls>
      {form === "matrix" ? <TextMatrix view={view} row={row} scores={scores} reading={reading} onRow={onRow} /> : (
        <>
          <TextStrip inputs={view} scores={scores(row)} target={target} reading={reading} palette={view.palette} onChoose={onChoose} />
          <Readout>
            {shown && (
              <>
                <WhatItIs inputs={view} run={shown} level={wanted.level} />
                {named(said!).map((fact) => <span>{fact}</span>)}
                {error === null ? null : <span>standard error {shown.to - shown.from > 1 ? "at most " : ""}{number(error)}</span>}
              </>
            )}
          </Readout>
          <Legend palette={view.palette} scale={scaleShown(view, scores(row), target.seen, reading)} unit={target.unit}>
            <span>{scaleNote(reading, target.seen < view.tokens.length)}</span>
          </Legend>
        </>
      )}
    </>
  );
}

/** All target rows over all tokens; a click chooses the row. */
function TextMatrix({ view, row, scores, reading, onRow }: Omit<TextHeatProps, "onChoose"> & { reading: ReturnType<typeof useReading> }) {
  const [at, point] = useState<Cell | null>(null);
  const { level, without } = reading.wanted;
  const drawn = useMemo(() => {
    const runs = runsOf(view, level);
    const scales = view.targets.map((target, i) => scaleOn(view, scores(i), level, target.seen, without));
    return {
      runs,
      scales,
      columns: runs.map((run) => textOf(view, run, level)),
      value: (i: number, j: number) => (runs[j].from < view.targets[i].seen ? sum(scores(i), runs[j]) : null),
    };
  }, [view, scores, level, without]);
  const target = at && view.targets[at.row];
  const scored = ({ row: i, column }: Cell) => {
    const score = drawn.value(i, column);
    return score === null ? "not read yet: no score" : `${signed(score, drawn.scales[i])} ${view.targets[i].unit}`;
  };
  return (
    <>
      <Matrix
        name="Scores of tokens, across, for what was predicted, down"
        rows={view.targets.map((one) => one.text)}
        columns={drawn.columns}
        value={drawn.value}
        scales={drawn.scales}
        palette={view.palette}
        widths={[5, 34]}
        chosenRow={row}
        at={at}
        nameOf={(cell) => `${view.targets[cell.row].label} from “${drawn.columns[cell.column]}”: ${scored(cell)}`}
        onPoint={point}
        onChoose={(cell) => onRow(cell.row)}
      />
      <Readout live>
        {target && at && (
          <>
            <strong dir="ltr">{target.label}</strong> <span class="whence-quiet">from</span>
            <WhatItIs inputs={view} run={drawn.runs[at.column]} level={level} />
            <span>{scored(at)}</span>
          </>
        )}
      </Readout>
      <Legend palette={view.palette} scale={null} unit=""><span>{scaleNote(reading, true)}</span></Legend>
    </>
  );
}
