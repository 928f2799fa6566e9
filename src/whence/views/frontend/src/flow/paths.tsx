/** The widest paths as buttons: pointing at one draws it over the map, pressing one keeps it there. */
import { scaleOf, signed } from "../numbers.ts";
import type { FlowPath } from "../spec.ts";

interface PathsProps {
  paths: FlowPath[];
  unit: string;
  layers: number;
  pressed: number | null;
  onPress: (path: number | null) => void;
  onHover: (path: number | null) => void;
}

export function Paths({ paths, unit, layers, pressed, onPress, onHover }: PathsProps) {
  const scale = scaleOf(paths.map((path) => path.value));
  return (
    <section class="whence-flow-list">
      <h3 class="whence-flow-heading">Widest paths <span class="whence-quiet">to the strongest input tokens</span></h3>
      <ol>
        {paths.map((path, i) => (
          <li>
            <button type="button" aria-pressed={pressed === i} onClick={() => onPress(pressed === i ? null : i)}
              onMouseEnter={() => onHover(i)} onMouseLeave={() => onHover(null)} onFocus={() => onHover(i)} onBlur={() => onHover(null)}>
              <span><bdi>{path.text}</bdi></span>{" "}
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
