/** Relevance through the layers: a map of layers and tokens, the widest paths over it, what attention carries, heads. */
import "./flow.css";
import { useCallback, useMemo, useState } from "preact/hooks";
import type { Cell } from "../cells.ts";
import { Check, Legend, Quoted, Readout, Targets } from "../controls.tsx";
import { useNumbers } from "../loaded.ts";
import { Matrix } from "../matrix.tsx";
import { part, scaleOf, signed } from "../numbers.ts";
import type { FlowView, Props } from "../spec.ts";
import { edgesOf, type FlowNumbers, numbersOf, tablesOf } from "./lookup.ts";
import { Lines, PathLine } from "./lines.tsx";
import { Paths } from "./paths.tsx";
import { Steps } from "./steps.tsx";

export function Flow(props: Props<FlowView>) {
  const tables = useMemo(() => tablesOf(props.view), [props.view]);
  const found = useNumbers(tables);
  const data = useMemo(() => found && numbersOf(found), [found]);
  return data ? <Loaded {...props} data={data} /> : <p class="whence-quiet">Reading the numbers …</p>;
}

function Loaded({ view, select, data }: Props<FlowView> & { data: FlowNumbers }) {
  const { tokens, streams, targets, palette } = view;
  const [row, setRow] = useState(0);
  const [at, setAt] = useState(() => strongest(part(data.nodes, targets.length, 0), tokens.length));
  const [chosen, choose] = useState<Cell | null>(null);
  const [head, setHead] = useState(() => strongest(part(data.heads, targets.length, 0), view.heads));
  const [path, setPath] = useState<number | null>(0);
  const [hovered, hover] = useState<number | null>(null);
  const nodes = useMemo(() => part(data.nodes, targets.length, row), [data, row]);
  const heads = useMemo(() => part(data.heads, targets.length, row), [data, row]);
  const texts = useMemo(() => tokens.map((token) => token.text), [view]);
  const node = useCallback((stream: number, token: number) => nodes[stream * texts.length + token], [nodes]);
  const ofHead = useCallback((layer: number, one: number) => heads[layer * view.heads + one], [heads]);
  const numbers = useMemo(() => Array.from({ length: view.heads }, (_, i) => String(i)), [view]);
  const layers = useMemo(() => streams.slice(1).map((_, layer) => String(layer)), [view]);
  const { label, value, unit, paths } = targets[row];
  const [apart, setApart] = useState(false);
  const scales = useMemo(() => scalesOf(nodes, streams.length, apart), [nodes, apart]);
  const headScales = useMemo(() => scalesOf(heads, layers.length, false), [heads]);
  const scoreOf = (score: number) => `${signed(score)} ${unit}`;
  const drawn = paths[hovered ?? path ?? -1];
  const edges = (side: "above" | "below", layer: number) =>
    chosen && layer >= 0 && layer < layers.length ? edgesOf(view, data, row, layer, chosen.column, side) : [];
  const [above, below] = chosen ? [edges("above", chosen.row), edges("below", chosen.row - 1)] : [[], []];
  const onChoose = (cell: Cell) => {
    setAt(cell);
    choose(chosen && chosen.row === cell.row && chosen.column === cell.column ? null : cell);
    select?.({ row, residual: cell.row, token: cell.column });
  };
  return (
    <div class="whence-flow">
      <Targets targets={targets} row={row} onChange={(to) => { setRow(to); setPath(0); choose(null); }} />
      <div class="whence-flow-maps">
        <section>
          <h3 class="whence-flow-heading">Residual stream <span class="whence-quiet">from {label} {value} at the top down to the input</span></h3>
          <Matrix name="Relevance on the residual stream" rows={streams} columns={texts} value={node} scales={scales} up={1}
            palette={palette} widths={[18, 72]} at={at} onChoose={onChoose}
            nameOf={(cell) => `“${texts[cell.column]}”, residual ${streams[cell.row]}: ${scoreOf(node(cell.row, cell.column))}`}
            shown={paths[path ?? -1]?.tokens[0]}
            onPoint={setAt}
            over={(sizes) => (
              <>
                {drawn ? <PathLine path={drawn} sizes={sizes} /> : null}
                {chosen ? <Lines cell={chosen} above={above} below={below} sizes={sizes} rows={streams.length} /> : null}
              </>
            )} />
          <Readout live>
            <strong><Quoted text={texts[at.column]} /></strong>
            <span class="whence-quiet">residual {streams[at.row]}</span> <span>{scoreOf(node(at.row, at.column))}</span>
          </Readout>
          <Legend palette={palette} scale={apart ? null : scales[0]} unit={unit}>
            <Check name="each residual on a colour scale of its own" on={apart} onTurn={setApart} />
          </Legend>
        </section>
        <section class="whence-flow-heads">
          <h3 class="whence-flow-heading">Heads <span class="whence-quiet">layer ↑ head →</span></h3>
          <Matrix name="Relevance of heads" rows={layers} columns={numbers} value={ofHead} scales={headScales} up={1}
            palette={palette} widths={[16, 30]} at={head}
            nameOf={(cell) => `layer ${cell.row} head ${cell.column}: ${scoreOf(ofHead(cell.row, cell.column))}`}
            onChoose={(cell) => { setHead(cell); select?.({ row, layer: cell.row, head: cell.column }); }}
            onPoint={setHead} />
          <Readout live><strong>layer {head.row} head {head.column}</strong> <span>{scoreOf(ofHead(head.row, head.column))}</span></Readout>
          <Legend palette={palette} scale={headScales[0]} unit={unit} />
        </section>
      </div>
      <div class="whence-flow-maps">
        <Paths paths={paths} texts={texts} unit={unit} layers={layers.length} pressed={path} onPress={setPath} onHover={hover} />
        <Steps view={view} data={data} row={row} chosen={chosen} above={above} below={below} texts={texts} />
      </div>
    </div>
  );
}

/** The largest size in each row, where they are `apart`; else that in all. */
function scalesOf(values: Float32Array | Uint8Array, rows: number, apart: boolean): number[] {
  if (!apart) return Array(rows).fill(scaleOf(values));
  return Array.from({ length: rows }, (_, i) => scaleOf(part(values, rows, i)));
}

/** The cell of largest size, the first among equals. */
function strongest(values: ArrayLike<number>, columns: number): Cell {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]) > Math.abs(values[best])) best = i;
  return { row: Math.floor(best / columns), column: best % columns };
}
