/** What one cell gets from above and sends below, in words. */
import type { ComponentChildren } from "preact";
import type { Cell } from "../cells.ts";
import { Quoted } from "../controls.tsx";
import { scaleOf, signed } from "../numbers.ts";
import type { FlowView } from "../spec.ts";
import type { Edge, FlowNumbers } from "./lookup.ts";

interface StepsProps {
  view: FlowView;
  data: FlowNumbers;
  row: number;
  chosen: Cell | null;
  above: Edge[];
  below: Edge[];
  texts: string[];
}

export function Steps({ view, data, row, chosen, above, below, texts }: StepsProps) {
  const { unit } = view.targets[row];
  const layers = view.streams.length - 1;
  if (!chosen) {
    return (
      <section class="whence-flow-list">
        <h3 class="whence-flow-heading">One cell</h3>
        <p class="whence-remark">Choose a cell of the map to see what attention carries to it and on from it.</p>
      </section>
    );
  }
  const { row: stream, column } = chosen;
  const stays = (layer: number) => data.rest[(row * layers + layer) * texts.length + column];
  const list = (name: string, edges: Edge[], layer: number) => {
    const scale = scaleOf([stays(layer), ...edges.map((edge) => edge.value)]);
    const line = (what: ComponentChildren, value: number) => (
      <li>
        <span class={`whence-flow-number${value < 0 ? " whence-negative" : ""}`}>{signed(value, scale / 10)} {unit}</span> <span>{what}</span>
      </li>
    );
    return (
      <>
        <h4 class="whence-flow-side">{name} <span class="whence-quiet">layer {layer}</span></h4>
        <ul>
          {edges.map((edge) => line(<><Quoted text={texts[edge.token]} /> #{edge.token}</>, edge.value))}
          {line("not carried from token to token", stays(layer))}
        </ul>
      </>
    );
  };
  const { kept } = view.edges;
  return (
    <section class="whence-flow-list">
      <h3 class="whence-flow-heading"><Quoted text={texts[column]} /> #{column} <span class="whence-quiet">residual {view.streams[stream]}</span></h3>
      {stream < layers ? list("Comes from above", above, stream) : null}
      {stream > 0 ? list("Goes on below", below, stream - 1) : null}
      <p class="whence-remark">
        {kept ? `By attention’s values; of each token’s edges the strongest ${kept} at most.` : "The input is too long for edges on a page: see the record’s edges."}
      </p>
    </section>
  );
}
