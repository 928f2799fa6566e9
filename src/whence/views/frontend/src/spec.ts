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

export type View = HeatView | ComparisonView;

/** What a view is given: its data, and who hears of what is selected, in a notebook. */
export interface Props<V> {
  view: V;
  select?: (selected: unknown) => void;
}
