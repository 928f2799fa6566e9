/** The widest paths as buttons: pointing at one draws it over the map, pressing one keeps it there. */
import { Quoted } from "../controls.tsx";
import { scaleOf, signed } from "../numbers.ts";
import type { FlowPath } from "../spec.ts";

const MOST_LETTERS = 20;

interface PathsProps {
  paths: FlowPath[];
  texts: string[];
  unit: string;
  layers: number;
  pressed: number | null;
  onPress: (path: number | null) => void;
  onHover: (path: number | null) => void;
}

export function Paths({ paths, texts, unit, layers, pressed, onPress, onHover }: PathsProps) {
  const scale = scaleOf(paths.map((path) => path.value));
  return (
    <section class="whence-flow-list">
      <h3 class="whence-flow-heading">Widest paths <span class="whence-quiet">token residuals, to the strongest input tokens</span></h3>
      <ol>
        {paths.map((path, i) => (
          <li>
            <button type="button" aria-pressed={pressed === i} onClick={() => onPress(pressed === i ? null : i)}
              onMouseEnter={() => onHover(i)} onMouseLeave={() => onHover(null)} onFocus={() => onHover(i)} onBlur={() => onHover(null)}>
              <span>{staysOf(path.tokens).map(([token, from, to], at) => <>{at ? " → " : ""}<span class="whence-flow-number"><Named texts={texts} token={token} /> {from}{to > from ? `–${to}` : ""}</span></>)}</span>{" "}
              <span class={`whence-flow-number${path.value < 0 ? " whence-negative" : ""}`}>{signed(path.value, scale)} {unit}</span>{" "}
              <span class="whence-quiet">narrowest {path.narrowest === layers ? "on top" : `in layer ${path.narrowest}`}</span>
            </button>
          </li>
        ))}
      </ol>
      <p class="whence-remark">
        Of all ways from the top to the token, the one whose narrowest step is widest. A summary: relevance that goes many
        narrow ways is in none, and paths share steps.
      </p>
    </section>
  );
}

/** A token by its text, and by its place, from 1, where others read alike. */
function Named({ texts, token }: { texts: string[]; token: number }) {
  const alike = texts.indexOf(texts[token]) !== texts.lastIndexOf(texts[token]);
  return <><Quoted text={texts[token]} most={MOST_LETTERS} />{alike ? ` #${token + 1}` : ""}</>;
}

/** On which residuals, from and to, a path is at each token. */
function staysOf(tokens: number[]): [number, number, number][] {
  const starts = tokens.flatMap((token, i) => (token === tokens[i - 1] ? [] : [i]));
  return starts.map((from, i) => [tokens[from], from, (starts[i + 1] ?? tokens.length) - 1]);
}
