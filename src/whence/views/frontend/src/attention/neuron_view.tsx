/** The neuron view: how one token's query and each token's key make a weight: product by product, their sum, softmax. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { background } from "../colors.ts";
import { type Bytes, type Unpacked, useUnpacked } from "../loaded.ts";
import { number, scaleOf, signed } from "../numbers.ts";
import type { AttentionLayer, AttentionVectors, AttentionView, Palette } from "../spec.ts";
import { inSight, MOST_ROWS } from "./token_column.tsx";
import { byteAt, counts, type Hidden, percent, products, roundingOf, sees, shownOf, softmax, sum, vectorOf, weightOf } from "./weights.ts";

const ROW = 24;

interface NeuronProps {
  view: AttentionView;
  layer: AttentionLayer;
  bytes: Bytes | null;
  head: number;
  query: number;
  hidden: Hidden;
  store: Unpacked;
  dark: boolean;
  onQuery: (query: number) => void;
}

export function NeuronView(props: NeuronProps) {
  const vectors = props.layer.vectors;
  const queries = useUnpacked(props.store, vectors && vectors.queries);
  const keys = useUnpacked(props.store, vectors && vectors.keys);
  if (!vectors) return <Missing {...props} />;
  if (!queries || !keys || !props.bytes) return <p class="whence-quiet">Unpacking…</p>;
  return <Worked {...props} vectors={vectors} queries={queries} keys={keys} bytes={props.bytes} />;
}

function Missing({ view, layer }: NeuronProps) {
  const others = view.layers.filter((one) => one.kind === layer.kind && one.vectors).map((one) => one.number);
  return (
    <p>
      No query and key vectors were recorded for layer {layer.number}
      {others.length ? `; they were for ${others.length === 1 ? "layer" : "layers"} ${others.join(", ")}` : ""}. To record
      them: <code>whence.attentions(..., vectors=True)</code>, or <code>whence attention … --vectors</code>.
    </p>
  );
}

interface Work {
  query: Float32Array;
  keys: Float32Array[];
  products: Float32Array[];
  scores: Float64Array;
  shares: Float64Array;
  weights: number[];
  /** Whether more than rounding keeps the weights from being the softmax. */
  isOther: boolean;
}

interface WorkedProps extends NeuronProps {
  vectors: AttentionVectors;
  queries: Bytes;
  keys: Bytes;
  bytes: Bytes;
}

/** All numbers of one query of one head, from the recorded bytes. */
function work({ view, layer, bytes, head, query, vectors, queries, keys }: WorkedProps): Work {
  const { size, scale } = vectors;
  const [reach, theirReach] = [vectors.queryRange[head], vectors.keyRange[head]];
  const count = counts(layer);
  const own = vectorOf(queries, count.queries, size, head, query, reach);
  const theirs = Array.from({ length: count.keys }, (_, key) => vectorOf(keys, count.keys, size, head, key, theirReach));
  const made = theirs.map((key) => products(own, key));
  const scores = Float64Array.from(made, (product) => scale * sum(product));
  const shares = softmax(scores, (key) => sees(view, layer, query, key));
  const weights = theirs.map((_, key) => weightOf(byteAt(bytes, layer, head, query, key)));
  const most = roundingOf(own, theirs, reach, theirReach, scale);
  const isOther = weights.some((weight, key) => Math.abs(weight - shares[key]) > Math.max(most(weight), most(shares[key])));
  return { query: own, keys: theirs, products: made, scores, shares, weights, isOther };
}

function Worked(props: WorkedProps) {
  const { view, layer, head, query, hidden, vectors, dark, onQuery } = props;
  const done = useMemo(() => work(props), [view, layer, props.bytes, head, query, vectors, props.queries, props.keys]);
  const places = useMemo(() => shownOf(view.tokens, layer.keys, hidden), [view, layer, hidden]);
  const [told, tell] = useState("");
  const most = {
    query: scaleOf(done.query),
    key: Math.max(...done.keys.map(scaleOf)),
    product: Math.max(...done.products.map(scaleOf)),
    score: scaleOf(done.scores),
  };
  const text = (at: number) => view.tokens[layer.queries[0] + at].text;
  const look = { palette: view.palette, dark, onTell: tell };
  return (
    <div>
      <label class="whence-quiet">
        Query token{" "}
        <select value={query} onChange={(event) => onQuery(Number(event.currentTarget.value))}>
          {Array.from({ length: counts(layer).queries }, (_, at) => <option value={at}>{layer.queries[0] + at}{"  "}{text(at)}</option>)}
        </select>
      </label>
      <KeyRows {...props} done={done} places={places} most={most} look={look} />
      <p class="whence-attn-told">{told || `Above the middle is positive, below is negative; full colour is ±${number(most.query)} for the query, ±${number(most.key)} for keys, ±${number(most.product)} for q × k.`}</p>
      {vectors.biased || done.isOther ? (
        <p class="whence-legend">
          {vectors.biased ? "No softmax (—) of q·k" : "Softmax and weight differ by more than rounding"}: something besides q·k takes part here, such as a
          bias by position, a window, a cap or a sink.
        </p>
      ) : null}
      <p class="whence-legend">Vectors are rounded to 255 steps: products, scores and softmax are near the model’s own, the weight is the one recorded.</p>
    </div>
  );
}

interface RowsProps extends WorkedProps {
  done: Work;
  places: number[];
  most: { query: number; key: number; product: number; score: number };
  look: { palette: Palette; dark: boolean; onTell: (text: string) => void };
}

/** A table row for each key; those out of sight are two empty rows of their height. */
function KeyRows({ view, layer, query, vectors, done, places, most, look }: RowsProps) {
  const [top, setTop] = useState(0);
  const height = ROW * Math.min(MOST_ROWS, places.length);
  const asking = view.tokens[layer.queries[0] + query].text;
  const [first, end] = inSight(places.length, Math.min(top, places.length * ROW), height, 5);
  return (
    <div class="whence-attn-table" style={{ maxHeight: `${height + 3 * ROW}px` }} tabIndex={0} role="group" aria-label="Keys" onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <table aria-rowcount={places.length + 1}>
        <thead>
          <tr>
            <th scope="col">token</th><th scope="col">vector</th><th scope="col">q × k</th>
            <th scope="col" class="whence-right">q·k × {number(vectors.scale)}</th>
            <th scope="col" class="whence-right">softmax</th>
            <th scope="col" class="whence-right">weight</th>
          </tr>
          <tr>
            <th scope="row"><span class="whence-quiet">query</span> <bdi class="whence-token">{asking}</bdi></th>
            <td><Strip {...look} values={done.query} most={most.query} name={`query “${asking}”`} /></td>
            <td colSpan={4} />
          </tr>
        </thead>
        <tbody>
          {first ? <tr style={{ height: `${first * ROW}px` }} /> : null}
          {places.slice(first, end).map((key) => {
            const text = view.tokens[layer.keys[0] + key].text;
            const seen = sees(view, layer, query, key);
            const strong = seen ? done.weights[key] : 0;
            return (
              <tr key={key} class={seen ? "" : "whence-attn-unseen"}>
                <th scope="row"><span class="whence-quiet">{layer.keys[0] + key}</span> <bdi class="whence-token">{text}</bdi></th>
                <td><Strip {...look} values={done.keys[key]} most={most.key} name={`key “${text}”`} /></td>
                <td><Strip {...look} values={done.products[key]} most={most.product} name={`q × k of “${text}”`} /></td>
                <td class={`whence-right${done.scores[key] < 0 ? " whence-negative" : ""}`}>{signed(done.scores[key], most.score)}</td>
                <td class="whence-right">{!seen ? "not seen" : vectors.biased ? "—" : percent(done.shares[key])}</td>
                <td class="whence-right whence-attn-weight" style={{ "--whence-share": strong }}>{seen ? percent(strong) : "–"}</td>
              </tr>
            );
          })}
          {end < places.length ? <tr style={{ height: `${(places.length - end) * ROW}px` }} /> : null}
        </tbody>
      </table>
    </div>
  );
}

interface StripProps {
  values: Float32Array;
  most: number;
  name: string;
  palette: Palette;
  dark: boolean;
  onTell: (text: string) => void;
}

/** A vector, one column a number: positive ones above the middle, negative ones below it, each in its colour. */
function Strip({ values, most, name, palette, dark, onTell }: StripProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current!.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, values.length, 2);
    values.forEach((value, i) => {
      context.fillStyle = background(value, most, dark ? palette.dark : palette.light);
      if (value) context.fillRect(i, value > 0 ? 0 : 1, 1, 1);
    });
  }, [values, most, palette, dark]);
  const tell = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const at = Math.max(0, Math.min(values.length - 1, Math.floor((values.length * (event.clientX - box.left)) / box.width)));
    onTell(`${name}, neuron ${at}: ${signed(values[at], most)}`);
  };
  return (
    <canvas ref={canvas} class="whence-attn-strip" width={values.length} height={2} role="img"
      aria-label={`${name}: ${values.length} numbers from ${number(Math.min(...values))} to ${number(Math.max(...values))}`} onMouseMove={tell} onMouseLeave={() => onTell("")} />
  );
}
