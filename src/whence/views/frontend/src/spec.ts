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

/** One explained number; `seen` counts the leading tokens it can depend on, `token` is its own place, if it has one. */
export interface Target {
  label: string;
  value: string;
  residual: string | null;
  unit: string;
  seen: number;
  token: number | null;
}

/** An image's units, in rows and columns, over a picture of height and width pixels ("data:image/jpeg..." or none). */
export interface Grid {
  rows: number;
  columns: number;
  cell: [number, number];
  height: number;
  width: number;
  unit: string;
  picture: string | null;
}

/** One explanation: `scores` (targets, tokens); `groups` gives for each level ("words", ...) the group of each token. */
export interface HeatView {
  view: "heat";
  palette: Palette;
  method: string;
  direction: "ltr" | "rtl";
  tokens: Token[];
  targets: Target[];
  scores: Numbers;
  groups: { [level: string]: number[] };
  grid: Grid | null;
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

export type View = HeatView | ChartsView;

/** What a view is given: its data, and who hears of what is selected, in a notebook. */
export interface Props<V> {
  view: V;
  select?: (selected: unknown) => void;
}
