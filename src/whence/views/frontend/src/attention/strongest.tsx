/** The strongest links as a table: for readers of screens, and for exact numbers. */
import { useMemo, useState } from "preact/hooks";
import type { Bytes } from "../loaded.ts";
import type { AttentionLayer, AttentionView } from "../spec.ts";
import { percent, type Point, sees, strongest } from "./weights.ts";

const MOST = 20;

interface StrongestProps {
  view: AttentionView;
  layer: AttentionLayer;
  bytes: Bytes;
  heads: number[];
  places: { query: number[]; key: number[] };
  point: Point | null;
}

export function Strongest({ view, layer, bytes, heads, places, point }: StrongestProps) {
  const [open, setOpen] = useState(false);
  const links = useMemo(() => {
    const queries = point?.side === "query" ? [point.at] : places.query.filter((query) => sees(view, layer, query, 1));
    const keys = point?.side === "key" ? [point.at] : places.key;
    return open ? strongest(bytes, layer, heads, queries, keys, MOST) : [];
  }, [open, view, layer, bytes, heads, places, point]);
  const text = (range: [number, number], at: number) => <bdi class="whence-token">{view.tokens[range[0] + at].text}</bdi>;
  return (
    <details class="whence-more" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Strongest links{point ? " of this token" : ""} as a table</summary>
      <div class="whence-scroll">
        <table class="whence-numbers">
          <caption>
            The {MOST} strongest of layer {layer.number}, {heads.length === 1 ? `head ${heads[0]}` : `heads ${heads.join(", ")}`}
            {sees(view, layer, 0, 1) ? "" : "; without the first token, which sees itself only"}
          </caption>
          <thead>
            <tr>
              <th scope="col" class="whence-right">#</th><th scope="col">looks</th>
              <th scope="col" class="whence-right">#</th><th scope="col">at</th>
              <th scope="col" class="whence-right">head</th><th scope="col" class="whence-right">weight</th>
            </tr>
          </thead>
          <tbody>
            {links.map(({ head, query, key, weight }) => (
              <tr>
                <td class="whence-right whence-quiet">{layer.queries[0] + query}</td><td>{text(layer.queries, query)}</td>
                <td class="whence-right whence-quiet">{layer.keys[0] + key}</td><td>{text(layer.keys, key)}</td>
                <td class="whence-right">{head}</td><td class="whence-right">{percent(weight)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
