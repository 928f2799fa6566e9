/** The data that Python puts into a page for each view (src/whence/views/live*.py). Texts in it can be read as they
 *  stand: control codes and the like are signs of themselves already. They are shown as text, never as markup. */

/** Colours of one scheme, lowest score first, each "#rrggbb". */
export interface Palette {
  name: string;
  light: string[];
  dark: string[];
}

/** Numbers of a shape, base64: "f4" float32, little-endian; "u1" bytes; deflated (zlib) where `deflated`. */
export interface Numbers {
  type: "f4" | "u1";
  shape: number[];
  deflated: boolean;
  data: string;
}

/** One input unit. `gap`: white space before it; `ends`: it ends a line; `begins`: it is the first a decoder read. */
export interface Token {
  text: string;
  role: string;
  special: boolean;
  gap: boolean;
  ends: boolean;
  begins: boolean;
}

/** One explained number and its account, as text; `seen` counts the leading tokens it can depend on, `token` is its own
 *  place among them, if it has one. */
export interface Target {
  label: string;
  text: string;
  value: string;
  baseline: string | null;
  residual: string | null;
  unit: string;
  seen: number;
  token: number | null;
}

/** An image's units, in rows and columns, over a picture of height and width pixels ("data:image/jpeg..." or none);
 *  `scales` are the ends of the colours of each row of scores. */
export interface Grid {
  rows: number;
  columns: number;
  cell: [number, number];
  height: number;
  width: number;
  unit: string;
  picture: string | null;
  scales: number[];
}

/** Groups of tokens, one after another: where each begins, and its text where those of its tokens do not spell it. */
export interface Level {
  starts: number[];
  names: { [group: number]: string };
}

/** What scores are of: tokens with their ids, and the levels ("words", ...) they can be summed to; or an image's units. */
export interface Inputs {
  direction: "ltr" | "rtl";
  tokens: Token[];
  ids: (number | null)[];
  levels: { [level: string]: Level };
  grid: Grid | null;
}

/** One layer's weights, u1 [heads, queries, keys], each (byte / 255) squared; `queries` and `keys` are ranges of the
 *  view's tokens, end excluded; behind its first `heads` it has `left` more that a page has no room for. */
export interface AttentionLayer {
  number: number;
  kind: "self" | "encoder" | "decoder" | "cross";
  queries: [number, number];
  keys: [number, number];
  heads: number;
  left: number;
  weights: Numbers;
  vectors: AttentionVectors | null;
}

/** Query and key vectors, u1 [heads, tokens, size], each (byte - 128) / 127 of the range of its side and
 *  head. `biased`: more than
 *  their products and the mask goes into the softmax. */
export interface AttentionVectors {
  size: number;
  scale: number;
  biased: boolean;
  queries: Numbers;
  keys: Numbers;
  queryRange: number[];
  keyRange: number[];
}

/** Where each layer and head looked. */
export interface AttentionView {
  view: "attention";
  palette: Palette;
  direction: "ltr" | "rtl";
  tokens: Token[];
  causal: boolean;
  layers: AttentionLayer[];
}

/** One way through the layers: the token it passes at each place on the residual stream, from the input up; its signed
 *  flow where that is narrowest, in layer `narrowest` or, where that is the number of layers, on top. */
export interface FlowPath {
  tokens: number[];
  value: number;
  narrowest: number;
}

/** The strongest `kept` edges between two tokens at each [target, layer, token, i]: `above`, tokens behind the layer
 *  that the token in front of it gets from; `below`, tokens in front of it that the token behind it sends to. */
export interface FlowEdges {
  kept: number;
  above: Numbers;
  aboveValue: Numbers;
  below: Numbers;
  belowValue: Numbers;
}

/** Relevance on the residual stream (targets, layers + 1, tokens), what does not move (targets, layers, tokens), and of
 *  heads (targets, layers, heads); `streams` names the places on the stream, from the input up. */
export interface FlowView {
  view: "flow";
  palette: Palette;
  tokens: Token[];
  streams: string[];
  heads: number;
  targets: (Pick<Target, "label" | "text" | "value" | "unit"> & { paths: FlowPath[] })[];
  nodes: Numbers;
  rest: Numbers;
  headScores: Numbers;
  edges: FlowEdges;
}

/** One curve over a share of units, with the band of low and high that it is the mean of, if it is one. */
export interface CurveData {
  name: string;
  x: Numbers;
  y: Numbers;
  band: [Numbers, Numbers] | null;
}

/** Curves over one pair of axes; `note` says what the bands are. */
export interface ChartData {
  caption: string;
  across: string;
  up: string;
  note: string;
  curves: CurveData[];
}

/** The curves by which metrics came about. */
export interface ChartsView {
  view: "charts";
  palette: Palette;
  charts: ChartData[];
}

/** One explanation: `scores` and their standard errors, (targets, tokens). */
export interface HeatView extends Inputs {
  view: "heat";
  palette: Palette;
  method: string;
  targets: Target[];
  scores: Numbers;
  errors: Numbers | null;
}

/** One method of a comparison: `rows` is its account of each target, `scores` (targets, tokens). */
export interface Compared {
  label: string;
  rows: Target[];
  scores: Numbers;
  scales: number[];
}

/** How far methods `first` and `second` agree on one target; null where a side is constant. `overlaps`: [k, share]. */
export interface Agreement {
  first: number;
  second: number;
  target: number;
  spearman: number | null;
  spearman_p: number | null;
  kendall: number | null;
  kendall_p: number | null;
  overlaps: [number, number][];
  k: number;
  rbo: number | null;
}

/** Several explanations of the same tokens and targets. */
export interface ComparisonView extends Inputs {
  view: "comparison";
  palette: Palette;
  targets: Target[];
  methods: Compared[];
  agreements: Agreement[];
}

export type View = HeatView | AttentionView | FlowView | ChartsView | ComparisonView;

/** What a view is given: its data, and who hears of what is selected, in a notebook. */
export interface Props<V> {
  view: V;
  select?: (selected: object | null) => void;
}
